#include "base/exposition.h"

#include <cmath>
#include <cstdint>

#include "base/append.h"

namespace weft::metrics {

namespace {

void append_escaped(std::string& out, const std::string& text, bool quotes) {
    for (char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || (quotes && c == '"')) out += '\\';
        out += c;
    }
}

}  // namespace

void Exposition::append_sample(std::string& out, const std::string& name, const Labels& labels,
                               double value) {
    out += name;
    const char* separator = "{";
    for (const auto& [label, text] : labels) {
        append(out, "{}{}=\"", separator, label);
        append_escaped(out, text, true);
        out += '"';
        separator = ",";
    }
    if (!labels.empty()) out += '}';
    if (std::nearbyint(value) == value && std::abs(value) < 1e15) {
        append(out, " {}\n", static_cast<int64_t>(value));
    } else {
        append(out, " {}\n", value);
    }
}

void Exposition::add(const std::string& name, Kind kind, const std::string& help, const Labels& labels,
                     double value) {
    auto [it, fresh] = families_.try_emplace(name);
    if (fresh) it->second = {kind, help, ""};
    append_sample(it->second.samples, name, labels, value);
}

void Exposition::add_part(const std::string& name, const std::string& suffix, const Labels& labels,
                          double value) {
    append_sample(families_[name].samples, name + suffix, labels, value);
}

std::string Exposition::text() const {
    std::string out;
    for (const auto& [name, family] : families_) {
        append(out, "# HELP {} ", name);
        append_escaped(out, family.help, false);
        const char* kind = family.kind == Kind::kCounter ? "counter"
                           : family.kind == Kind::kGauge ? "gauge"
                                                         : "summary";
        append(out, "\n# TYPE {} {}\n", name, kind);
        out += family.samples;
    }
    return out;
}

}  // namespace weft::metrics
