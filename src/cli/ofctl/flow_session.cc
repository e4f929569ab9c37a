#include "cli/ofctl/flow_session.h"

#include <fmt/format.h>

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
    FlowSession s;
    WEFT_ASSIGN(s.connection, open_switch(with_bundle, target));
    WEFT_ASSIGN(s.names, names_of(*s.connection));
    s.format.version = s.connection->version();
    if (s.format.version == Version::k10) {
        s.format.nxm = true;
        s.format.table_id = true;
        WEFT_TRY(s.connection->send(encode(Version::k10, s.connection->next_xid(), SetFlowFormat{2})));
        WEFT_TRY(s.connection->send(encode(Version::k10, s.connection->next_xid(), FlowModTableId{true})));
    }
    return s;
}

Result<void> send_mods(const Options& options, FlowSession& s, const std::vector<Bytes>& messages) {
    return options.bundle ? send_bundle(*s.connection, messages) : s.connection->transact(messages);
}

}  // namespace weft::cli::ofctl
