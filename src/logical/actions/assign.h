// field = constant, field1 = field2, field1 <-> field2, ip.ttl--, push, pop.

#pragma once

#include "logical/action.h"

namespace weft::logical {

class ActionParser;

struct LoadConstant : Action {
    FieldRef dst;
    Constant value;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
// icmp4.frag_mtu, icmp6.frag_mtu: set by the controller in the error that it sends.
struct LoadOvnField : Action {
    const Symbol* dst = nullptr;
    uint32_t value = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct MoveField : Action {
    FieldRef dst, src;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct Exchange : Action {
    FieldRef a, b;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct DecTtl : Action {
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct Push : Action {
    FieldRef field;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct Pop : Action {
    FieldRef field;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

// After the left-hand side: an assignment, an exchange, or the result of an action.
Result<ActionPtr> parse_assign(ActionParser& parser, const FieldRef& left);
Result<ActionPtr> parse_dec_ttl(ActionParser& parser);
Result<ActionPtr> parse_push(ActionParser& parser);
Result<ActionPtr> parse_pop(ActionParser& parser);

}  // namespace weft::logical
