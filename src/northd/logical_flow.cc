#include "northd/logical_flow.h"

#include <fmt/core.h>

#include <cassert>
#include <deque>

#include "base/hash_map.h"

namespace weft::northd {

namespace {

struct Line {
    std::string_view file;  // without its folder
    uint32_t number = 0;
    std::string text;
};

struct Lines {
    std::deque<Line> all{Line()};  // the first is no line
    HashMap<std::pair<const char*, uint32_t>, uint16_t> numbers;

    static Lines& get() {
        static Lines& lines = *new Lines;
        return lines;
    }
};

}  // namespace

SourceLine::SourceLine(const std::source_location& where) {
    Lines& lines = Lines::get();
    auto [at, is_new] = lines.numbers.try_emplace({where.file_name(), where.line()}, uint16_t{0});
    if (is_new) {
        std::string_view file = where.file_name();
        file = file.substr(file.rfind('/') + 1);
        assert(lines.all.size() <= UINT16_MAX);
        at->second = static_cast<uint16_t>(lines.all.size());
        lines.all.push_back({file, where.line(), fmt::format("{}:{}", file, where.line())});
    }
    number_ = at->second;
}

const std::string& SourceLine::text() const {
    return Lines::get().all[number_].text;
}

std::strong_ordering SourceLine::operator<=>(const SourceLine& other) const {
    if (number_ == other.number_) return std::strong_ordering::equal;
    const Line &a = Lines::get().all[number_], &b = Lines::get().all[other.number_];
    if (a.number != b.number) return a.number <=> b.number;
    return a.file <=> b.file;
}

void FlowWriter::add(Stage stage, uint16_t priority, std::string_view match, std::string_view actions,
                     More more, std::source_location where) {
    if (datapaths_.empty()) return;
    output_->emit({{stage, priority, match, actions, std::move(more.port), std::move(more.meter)},
                   datapaths_,
                   hint_,
                   SourceLine(where)});
}

}  // namespace weft::northd
