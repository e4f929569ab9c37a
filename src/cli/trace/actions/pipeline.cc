// next, output, drop, clone, select and log.

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "cli/trace/actions/cases.h"
#include "cli/trace/packet_text.h"

namespace weft::cli::trace {

void execute(const logical::Next& next, Run& run) {
    run.walk.go_to(run.place, next.pipeline, next.table, run.packet, run.tail, run.nodes);
}

void execute(const logical::Output&, Run& run) {
    run.walk.output(run.place, run.packet, run.tail, run.nodes);
}

void execute(const logical::Drop&, Run& run) {
    run.stopped = true;
}

void execute(const logical::Clone& clone, Run& run) {
    run.nest("clone", clone.nested, run.packet);
}

void execute(const logical::Select& select, Run& run) {
    const auto& choices = select.choices;
    auto chosen = std::find_if(choices.begin(), choices.end(), [&](const logical::Select::Choice& choice) {
        return choice.id == run.walk.settings().select_id;
    });
    std::string note;
    if (chosen == choices.end()) {
        std::random_device random;
        chosen = choices.begin() + static_cast<ptrdiff_t>(random() % choices.size());
        note = " /* Randomly selected. Use --select-id to specify. */";
    }
    packet::Flow changed = run.packet;
    set_field(changed, select.result, chosen->id);
    run.fork(fmt::format("select: {} = {}{}", field_name(select.result), chosen->id, note), changed);
}

void execute(const logical::Log& log, Run& run) {
    bool ingress = run.place.pipeline == logical::Pipeline::kIngress;
    append(run.nodes, Node::Kind::kTransform,
           fmt::format("LOG: ACL name={}, direction={}, verdict={}, severity={}, packet=\"{}\"",
                       log.name.empty() ? "<unnamed>" : log.name, ingress ? "IN" : "OUT",
                       logical::kLogVerdicts[log.verdict], logical::log_severity_name(log.severity),
                       packet_text(run.packet)),
           run.tail);
}

}  // namespace weft::cli::trace
