// Assignments, exchanges, ip.ttl--, push and pop.

#include <fmt/format.h>

#include <array>

#include "base/log.h"
#include "cli/trace/actions/cases.h"
#include "logical/openflow_map.h"
#include "openflow/field.h"

namespace weft::cli::trace {

namespace {

log::Module lg("ovntrace");

// Logical registers, flags and ports are no part of the packet that goes out.
bool is_of_packet(const logical::FieldRef& field) {
    const std::string& place = field.symbol->field;
    return !place.starts_with("reg") && !place.starts_with("xreg") && !place.starts_with("xxreg");
}

std::string hexadecimal(U128 value) {
    if (!value) return "0";
    if (high64(value)) return fmt::format("0x{:x}{:016x}", high64(value), low64(value));
    return fmt::format("0x{:x}", low64(value));
}

// The value of a field as that field's values are written; of some of its bits, a number.
std::string value_text(const packet::Flow& packet, const logical::FieldRef& field) {
    openflow::Subfield bits = logical::to_subfield(field);
    const openflow::Field& whole = openflow::field(bits.field);
    if (!bits.whole() || field.symbol->field.starts_with("xxreg"))
        return hexadecimal(get_field(packet, field));
    std::string out;
    openflow::format_value(whole, openflow::get_field(packet, whole), nullptr, nullptr, out);
    return out;
}

}  // namespace

void execute(const logical::LoadConstant& load, Run& run) {
    if (load.value.is_string) {
        const auto& keys = run.datapath().keys;
        auto key = keys.find(load.value.text);
        if (key == keys.end() && !load.value.text.empty())
            lg.warn("{}: unknown logical port", load.value.text);
        set_field(run.packet, load.dst, key == keys.end() ? 0 : key->second);
        return;
    }
    U128 mask = load.value.masked ? load.value.mask : low_bits(load.dst.width);
    set_field(run.packet, load.dst, (get_field(run.packet, load.dst) & ~mask) | (load.value.value & mask));
    if (!is_of_packet(load.dst)) return;
    std::string text;
    load.print(text);
    run.modify(std::move(text));
}

void execute(const logical::LoadOvnField& load, Run& run) {
    std::string text;
    load.print(text);
    run.modify(std::move(text));
}

void execute(const logical::MoveField& move, Run& run) {
    std::string value = value_text(run.packet, move.src);
    set_field(run.packet, move.dst, get_field(run.packet, move.src));
    if (is_of_packet(move.dst)) run.modify(fmt::format("{} = {}", field_name(move.dst), value));
}

void execute(const logical::Exchange& exchange, Run& run) {
    std::array<const logical::FieldRef*, 2> fields{&exchange.a, &exchange.b};
    std::array<U128, 2> values{get_field(run.packet, exchange.a), get_field(run.packet, exchange.b)};
    std::array<std::string, 2> texts{value_text(run.packet, exchange.a), value_text(run.packet, exchange.b)};
    for (size_t i = 0; i < fields.size(); ++i) {
        set_field(run.packet, *fields[i], values[1 - i]);
        if (is_of_packet(*fields[i]))
            run.modify(fmt::format("{} = {}", field_name(*fields[i]), texts[1 - i]));
    }
}

void execute(const logical::DecTtl&, Run& run) {
    if (run.packet.nw_ttl == 0) return run.error("TTL underflow");
    --run.packet.nw_ttl;
    run.modify("ip.ttl--");
}

void execute(const logical::Push& push, Run& run) {
    U128 value = get_field(run.packet, push.field);
    run.stack.push_back(value);
    run.modify(fmt::format("push({}) -> {}", field_name(push.field), hexadecimal(value)));
}

void execute(const logical::Pop& pop, Run& run) {
    if (run.stack.empty()) {
        run.modify(fmt::format("pop({}) <- /* empty stack */", field_name(pop.field)));
        return;
    }
    U128 value = run.stack.back();
    run.stack.pop_back();
    set_field(run.packet, pop.field, value);
    run.modify(fmt::format("pop({}) <- {}", field_name(pop.field), hexadecimal(value)));
}

}  // namespace weft::cli::trace
