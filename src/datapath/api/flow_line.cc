#include "datapath/api/flow_line.h"

namespace weft::datapath {

namespace {

constexpr std::string_view kSpace = " \t\r";

// The first word of `text`, taken off it.
std::string_view take_word(std::string_view& text) {
    size_t start = text.find_first_not_of(kSpace);
    if (start == text.npos) return text = {};
    size_t end = text.find_first_of(kSpace, start);
    std::string_view word = text.substr(start, end == text.npos ? end : end - start);
    text = end == text.npos ? std::string_view() : text.substr(end);
    return word;
}

std::string_view trimmed(std::string_view text) {
    size_t start = text.find_first_not_of(kSpace);
    return start == text.npos ? std::string_view()
                              : text.substr(start, text.find_last_not_of(kSpace) + 1 - start);
}

}  // namespace

std::vector<FlowLine> parse_flow_lines(std::string_view text, FlowLine::Verb verb) {
    using Verb = FlowLine::Verb;
    std::vector<FlowLine> lines;
    for (int number = 1; !text.empty(); ++number) {
        size_t end = text.find('\n');
        std::string_view rest = text.substr(0, end);
        text = end == text.npos ? std::string_view() : text.substr(end + 1);
        rest = rest.substr(0, rest.find('#'));
        std::string_view word = take_word(rest);
        if (word.empty()) continue;
        FlowLine& line = lines.emplace_back();
        line.number = number;
        line.verb = word == "add"      ? Verb::kAdd
                    : word == "modify" ? Verb::kModify
                    : word == "delete" ? Verb::kDelete
                                       : verb;
        if (word == "add" || word == "modify" || word == "delete") word = take_word(rest);
        line.flow = word;
        line.actions = trimmed(rest);
        line.bad = line.flow.empty() || line.actions.empty() != (line.verb == Verb::kDelete);
    }
    return lines;
}

}  // namespace weft::datapath
