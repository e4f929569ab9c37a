#include "cli/ofctl/flow_session.h"

#include <fmt/format.h>

#include "cli/ofctl/flow_formats.h"

namespace weft::cli::ofctl {

using namespace openflow;  // NOLINT: the commands speak OpenFlow throughout

namespace {

// A commit that fails brings the errors of the messages that failed, then its own.
Result<void> commit(SwitchConnection& connection, BundleControl request) {
    uint32_t xid = connection.next_xid();
    WEFT_TRY(connection.send(encode(connection.version(), xid, request)));
    std::string errors;
    while (true) {
        WEFT_ASSIGN(Bytes bytes, connection.receive());
        Message message;
        if (decode(bytes, {}, message) != OfError::kNone) continue;
        if (auto* error = message.get_if<ErrorMessage>()) {
            auto name = error_from_code(error->code, message.version);
            errors +=
                fmt::format("Error {} for: {}", name ? error_name(*name) : "(unknown)", print(error->data));
        }
        if (message.xid != xid) continue;
        if (errors.empty()) return {};
        return Error{errors};
    }
}

}  // namespace

Result<void> send_bundle(SwitchConnection& connection, const std::vector<Bytes>& messages) {
    constexpr uint32_t kId = 0;
    constexpr uint16_t kFlags = kBundleAtomic | kBundleOrdered;
    auto control = [&](BundleControl::Type type) {
        return connection.request(BundleControl{kId, type, kFlags});
    };
    WEFT_TRY(control(BundleControl::Type::kOpenRequest));
    std::vector<Bytes> adds;
    for (const Bytes& message : messages) {
        Header header;
        peek_header(message, header);
        adds.push_back(encode(connection.version(), header.xid, BundleAdd{kId, kFlags, message}));
    }
    WEFT_TRY(connection.transact(adds));
    return commit(connection, BundleControl{kId, BundleControl::Type::kCommitRequest, kFlags});
}

Result<FlowSession> open_for_flows(const Options& options, const std::string& target) {
    Options with_bundle = options;
    if (options.bundle && !options.versions)
        with_bundle.versions = version_bit(Version::k14) | version_bit(Version::k13);
    uint32_t formats = options.formats ? options.formats : uint32_t{kAnyFormat};
    if (options.formats) {
        uint32_t enabled = with_bundle.versions ? with_bundle.versions : version_bit(Version::k10);
        WEFT_ASSIGN(with_bundle.versions, versions_with(formats, enabled));
    }
    FlowSession s;
    WEFT_ASSIGN(s.connection, open_switch(with_bundle, target));
    if (options.names != 0) {
        WEFT_ASSIGN(s.names, names_of(*s.connection));
    }
    s.format.version = s.connection->version();
    // The features of all tables are much to ask for: of them only who prints names.
    if (options.names != 0 && (s.format.version == Version::k10 || prints_names(options)))
        WEFT_TRY(add_table_names(*s.connection, s.names));
    if (s.format.version == Version::k10) {
        s.format.nxm = formats & (kNxm | kNxmTable);
        s.format.table_id = formats & (kOpenFlow10Table | kNxmTable);
    }
    return s;
}

Result<void> announce_format(FlowSession& s) {
    if (s.format.version != Version::k10) return {};
    if (s.format.nxm)
        WEFT_TRY(s.connection->send(encode(Version::k10, s.connection->next_xid(), SetFlowFormat{2})));
    if (!s.format.table_id) return {};
    return s.connection->send(encode(Version::k10, s.connection->next_xid(), FlowModTableId{true}));
}

FlowChanges::FlowChanges(const Options& options, FlowSession& session)
    : options_(options),
      session_(session),
      formats_(formats_of(version_bit(session.format.version)) &
               (options.formats ? options.formats : uint32_t{kAnyFormat})) {
    use(formats_);
}

// What was written before is written anew: for a whole table the first flows decide, as a rule.
void FlowChanges::use(uint32_t formats) {
    formats_ = formats;
    FlowFormat& format = session_.format;
    if (format.version != Version::k10) return;
    FlowFormat wanted = flow_format_of(formats & (~formats + 1));
    if (wanted.nxm == format.nxm && wanted.table_id == format.table_id) return;
    DecodeOptions written;
    written.flow_mod_table_id = format.table_id;
    for (Bytes& bytes : messages_) {
        Message message;
        if (decode(bytes, written, message) != OfError::kNone) continue;
        if (auto* mod = message.get_if<FlowMod>()) bytes = encode_flow_mod(*mod, wanted, message.xid);
    }
    format = wanted;
}

Result<void> FlowChanges::add(const FlowMod& mod) {
    uint32_t usable = usable_formats(mod);
    if (!(usable & formats_)) {
        uint32_t allowed =
            options_.formats ? options_.formats : formats_of(version_bit(session_.format.version));
        return none_usable(usable, allowed);
    }
    if ((usable & formats_) != formats_) use(usable & formats_);
    messages_.push_back(encode_flow_mod(mod, session_.format, session_.connection->next_xid()));
    if (!messages_.back().empty()) return {};
    return Error{fmt::format("{} cannot say this", version_name(session_.format.version))};
}

Result<void> FlowChanges::send() {
    WEFT_TRY(announce_format(session_));
    return send_mods(options_, session_, messages_);
}

Result<void> send_mods(const Options& options, FlowSession& s, const std::vector<Bytes>& messages) {
    return options.bundle ? send_bundle(*s.connection, messages) : s.connection->transact(messages);
}

}  // namespace weft::cli::ofctl
