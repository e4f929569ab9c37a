// Which execution belongs to which action.  Those that are not here (put_arp, set_queue, ct_commit, …) change
// nothing that the walk can see: the trace shows that they were run.

#include <typeindex>

#include "base/hash_map.h"
#include "cli/trace/actions/cases.h"

namespace weft::cli::trace {

namespace {

using Execute = void (*)(const logical::Action&, Run&);

template <typename T>
std::pair<const std::type_index, Execute> executed() {
    return {typeid(T),
            [](const logical::Action& action, Run& run) { execute(static_cast<const T&>(action), run); }};
}

const HashMap<std::type_index, Execute>& executions() {
    static const HashMap<std::type_index, Execute> table{
        executed<logical::Next>(),
        executed<logical::Output>(),
        executed<logical::Drop>(),
        executed<logical::Clone>(),
        executed<logical::Select>(),
        executed<logical::Log>(),
        executed<logical::LoadConstant>(),
        executed<logical::LoadOvnField>(),
        executed<logical::MoveField>(),
        executed<logical::Exchange>(),
        executed<logical::DecTtl>(),
        executed<logical::Push>(),
        executed<logical::Pop>(),
        executed<logical::CtSimple>(),
        executed<logical::CtNat>(),
        executed<logical::CtLb>(),
        executed<logical::GetNeighbour>(),
        executed<logical::LookupNeighbour>(),
        executed<logical::GetFdb>(),
        executed<logical::LookupFdb>(),
        executed<logical::MadePacket>(),
        executed<logical::TableCheck>(),
        executed<logical::CheckPktLarger>(),
        executed<logical::PutOptions>(),
        executed<logical::DhcpRelay>(),
        executed<logical::DnsLookup>(),
    };
    return table;
}

}  // namespace

void run_action(const logical::Action& action, Run& run) {
    auto found = executions().find(typeid(action));
    if (found != executions().end()) found->second(action, run);
}

void Run::fork(std::string heading, packet::Flow changed) {
    Node& node = append(nodes, Node::Kind::kTransform, std::move(heading), tail);
    Place next{place.datapath, place.pipeline, static_cast<uint8_t>(place.table + 1)};
    walk.run_table(next, changed, true, node.children);
}

void Run::nest(std::string heading, const logical::Actions& actions, packet::Flow changed) {
    Node& node = append(nodes, Node::Kind::kTransform, std::move(heading), tail);
    walk.run_actions(actions, place, changed, node.children);
}

std::string field_name(const logical::FieldRef& field) {
    std::string out;
    logical::print_field(field, out);
    return out;
}

}  // namespace weft::cli::trace
