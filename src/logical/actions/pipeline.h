// next, output, drop, clone: the walk through the pipelines.

#pragma once

#include "logical/action.h"

namespace weft::logical {

class ActionParser;

struct Next : Action {
    Pipeline pipeline = Pipeline::kIngress;
    uint8_t table = 0;
    // Where it was written, for printing.
    Pipeline own_pipeline = Pipeline::kIngress;
    uint8_t own_table = 0;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct Output : Action {
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct Drop : Action {
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};
struct Clone : Action {
    Actions nested;
    void print(std::string& out) const override;
    void encode(const EncodeContext& context, openflow::ActionList& out) const override;
};

Result<ActionPtr> parse_next(ActionParser& parser);
Result<ActionPtr> parse_output(ActionParser& parser);
Result<ActionPtr> parse_drop(ActionParser& parser);
Result<ActionPtr> parse_clone(ActionParser& parser);

// "NAME { action; … };"
void print_block(std::string_view name, const Actions& nested, std::string& out);

}  // namespace weft::logical
