// Connection tracking: ct_next, ct_commit, ct_dnat, ct_snat, ct_lb and their kin.

#pragma once

#include <vector>

#include "logical/action.h"

namespace weft::logical {

class ActionParser;

// ct_next, ct_clear, ct_commit_nat, ct_snat_to_vip: without arguments.
struct CtSimple : Action {
    enum class Kind : uint8_t { kNext, kClear, kCommitNat, kSnatToVip };
    Kind kind = Kind::kNext;
    uint8_t table = 0;  // where it was written
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// ct_commit; ct_commit(ct_mark=…, ct_label=…); ct_commit { … };
struct CtCommit : Action {
    bool has_block = false;
    Actions nested;  // assignments to ct_mark and ct_label
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// ct_dnat, ct_snat, ct_dnat_in_czone, ct_snat_in_czone; with or without address and port range.
struct CtNat : Action {
    bool source = false;
    bool common_zone = false;
    std::optional<Constant> address;
    uint16_t port_low = 0, port_high = 0;  // 0: no range
    uint8_t table = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// ct_lb, ct_lb_mark, ct_lb_mark_local.  The last names the logical port of each back end, and balances among
// those whose ports are on this chassis; without one there the packet is dropped.
struct CtLb : Action {
    struct Backend {
        Constant address;
        uint16_t port = 0;         // 0: unchanged
        std::string logical_port;  // of ct_lb_mark_local
    };
    enum class Flag : uint8_t { kNone, kSkipSnat, kForceSnat };
    bool use_mark = false, local = false;
    bool has_backends = false;
    std::vector<Backend> backends;
    std::string hash_fields;
    std::vector<openflow::FieldId> hash_field_ids;
    Flag flag = Flag::kNone;
    uint8_t table = 0;
    const char* name() const { return local ? "ct_lb_mark_local" : use_mark ? "ct_lb_mark" : "ct_lb"; }
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_ct_next(ActionParser& parser);
Result<ActionPtr> parse_ct_clear(ActionParser& parser);
Result<ActionPtr> parse_ct_commit_nat(ActionParser& parser);
Result<ActionPtr> parse_ct_snat_to_vip(ActionParser& parser);
Result<ActionPtr> parse_ct_commit(ActionParser& parser);
Result<ActionPtr> parse_ct_dnat(ActionParser& parser);
Result<ActionPtr> parse_ct_snat(ActionParser& parser);
Result<ActionPtr> parse_ct_dnat_in_czone(ActionParser& parser);
Result<ActionPtr> parse_ct_snat_in_czone(ActionParser& parser);
Result<ActionPtr> parse_ct_lb(ActionParser& parser);
Result<ActionPtr> parse_ct_lb_mark(ActionParser& parser);
Result<ActionPtr> parse_ct_lb_mark_local(ActionParser& parser);

}  // namespace weft::logical
