// Actions and instructions: everything ovs-actions(7) lists, as one variant with a struct for each
// (actions/*.h).
//
//     ActionList actions = {SetField::make(FieldId::kReg0, 1), Resubmit{kPortInPort, 9}};
//     std::string text = to_string(actions);                       // "set_field:0x1->reg0,resubmit(,9)"
//     if (auto* output = std::get_if<Output>(&action)) …
//
// OpenFlow 1.1+ instructions are members of the same list, as ovs-ofctl's text has them: actions stand for
// Apply-Actions, and meter, clear_actions, write_actions, write_metadata and goto_table must come in that
// order (action_check.h).  Lists own all they hold and are plain values.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/variant.h"
#include "openflow/actions/conntrack.h"
#include "openflow/actions/control.h"
#include "openflow/actions/hashing.h"
#include "openflow/actions/header.h"
#include "openflow/actions/learn.h"
#include "openflow/actions/output.h"
#include "openflow/error.h"
#include "openflow/match.h"

namespace weft::openflow {

using ActionVariant = std::variant<
    Output, OutputReg, OutputTrunc, Boxed<Controller>, Enqueue, Group, SetQueue, PopQueue, Meter,  //
    SetField, RegMove, StackPush, StackPop, SetVlanVid, SetVlanPcp, StripVlan, PushVlan, SetEthSrc, SetEthDst,
    SetIpSrc, SetIpDst, SetIpDscp, SetIpEcn, SetIpTtl, SetL4Src, SetL4Dst, SetTunnel, DecTtl, SetMplsLabel,
    SetMplsTc, SetMplsTtl, DecMplsTtl, DecNshTtl, PushMpls, PopMpls, DeleteField, Encap, Decap,  //
    Resubmit, GotoTable, WriteMetadata, ClearActions, WriteActions, Clone, Exit, Note, Conjunction,
    FinTimeout, Sample, CheckPktLarger,  //
    Multipath, Boxed<Bundle>, Boxed<Learn>, Boxed<Ct>, Boxed<Nat>, CtClear>;

template <typename T, typename Variant>
inline constexpr bool kIsAlternative = false;
template <typename T, typename... Alternatives>
inline constexpr bool kIsAlternative<T, std::variant<Alternatives...>> =
    (std::is_same_v<T, Alternatives> || ...);

// Made of any of its alternatives, or of what one of them boxes.  What would make every user compile code
// for all alternatives (copying, moving, comparing, choosing among conversions) is done once, in action.cc.
struct Action : ActionVariant {
    Action();
    template <typename T>
        requires kIsAlternative<T, ActionVariant>
    Action(T value) : ActionVariant(std::in_place_type<T>, std::move(value)) {}  // NOLINT: implicit by design
    template <typename T>
        requires kIsAlternative<Boxed<T>, ActionVariant>
    Action(T value)  // NOLINT: implicit by design
        : ActionVariant(std::in_place_type<Boxed<T>>, std::move(value)) {}
    Action(const Action& other);
    Action(Action&& other) noexcept;
    Action& operator=(const Action& other);
    Action& operator=(Action&& other) noexcept;
    ~Action();

    const ActionVariant& variant() const { return *this; }
    bool operator==(const Action& other) const;
};
static_assert(sizeof(Action) <= 40, "there are millions of them: box what is wide");

// The Controller, Ct, … of an action, boxed or not; nullptr if it is another.
template <typename T>
const T* action_cast(const Action& action) {
    if constexpr (std::is_constructible_v<ActionVariant, std::in_place_type_t<T>>) {
        return std::get_if<T>(&action.variant());
    } else {
        auto* boxed = std::get_if<Boxed<T>>(&action.variant());
        return boxed ? &**boxed : nullptr;
    }
}

const char* action_name(const Action& action);  // "output", "set_field", …
bool is_instruction(const Action& action);      // not an action: must not be inside Apply-Actions

// Text.

// "output:1,resubmit(,2)"; "drop" for an empty list.
std::string to_string(const ActionList& actions, const Names* names = nullptr);
void format_actions(const ActionList& actions, const Names* names, std::string& out);

struct ActionParseOptions {
    const Names* names = nullptr;
    bool instructions = true;  // false: in clone(), ct(exec()), write_actions(), group buckets and packet-out
};
// Parses as ovs-actions(7) describes: comma- or space-separated.  The message is what ovs-ofctl would print.
Result<ActionList> parse_actions(std::string_view text, const ActionParseOptions& options = {});

// Wire.

// An action list alone (apply-actions' contents, packet-out, buckets).  What a version has no encoding of its
// own for goes as the Nicira extension or set_field that does it; what none can express (goto_table in
// OpenFlow 1.0 becomes resubmit) is left out, as ovs-ofctl does.
void encode_actions(const ActionList& actions, Version version, ByteWriter& out);
// OpenFlow 1.1+: instructions.  OpenFlow 1.0: the same as encode_actions().
void encode_instructions(const ActionList& actions, Version version, ByteWriter& out);

struct ActionDecodeOptions {
    const TunnelTable* tunnel_table = nullptr;
};
OfError decode_actions(ByteView bytes, Version version, const ActionDecodeOptions& options,
                       ActionList& actions);
OfError decode_instructions(ByteView bytes, Version version, const ActionDecodeOptions& options,
                            ActionList& actions);

// The tables that resubmit and goto_table name, ports that output names, …: for callers, by visiting.
template <typename Visitor>
decltype(auto) visit(Visitor&& visitor, const Action& action) {
    return std::visit(std::forward<Visitor>(visitor), action.variant());
}

}  // namespace weft::openflow
