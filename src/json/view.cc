#include "json/view.h"

#include <simdjson.h>

#include <cmath>

#include "base/memory.h"

namespace weft::json {

namespace {
constexpr size_t kKeepBytes = 1 << 17;  // the blocks of greater texts are not kept
}

struct ViewReader::Workspace {
    simdjson::dom::parser parser;
    size_t size = 0;  // of the text
};

ViewReader::ViewReader() = default;
ViewReader::~ViewReader() = default;

Result<View> ViewReader::read(std::string_view text) {
    ShortLived allocations;
    std::string copy;
    copy.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    copy = text;
    return read_in_place(copy);
}

Result<View> ViewReader::read_in_place(std::string& text) {
    text.reserve(text.size() + simdjson::SIMDJSON_PADDING);  // as a rule there is room already
    ShortLived allocations;
    if (!workspace_) workspace_ = std::make_unique<Workspace>();
    workspace_->size = text.size();
    simdjson::dom::element root;
    if (auto error = workspace_->parser.parse(text.data(), text.size(), false).get(root))
        return Error{simdjson::error_message(error)};
    const simdjson::dom::document& document = workspace_->parser.doc;
    // The first word is the root's, the value follows.
    return View(document.tape.get(), document.string_buf.get(), 1);
}

void ViewReader::shrink() {
    if (workspace_ && workspace_->size > kKeepBytes) workspace_.reset();
}

std::optional<int64_t> View::as_integer() const {
    switch (tape_ ? type() : 'n') {
        case 'l':
            return static_cast<int64_t>(tape_[at_ + 1]);
        case 'd':
            if (double real = std::bit_cast<double>(tape_[at_ + 1]);
                real == std::floor(real) && std::fabs(real) < 0x1p63)
                return static_cast<int64_t>(real);
            return std::nullopt;
        default:
            return std::nullopt;
    }
}

std::optional<double> View::as_number() const {
    switch (tape_ ? type() : 'n') {
        case 'l':
            return static_cast<double>(static_cast<int64_t>(tape_[at_ + 1]));
        case 'u':
            return static_cast<double>(tape_[at_ + 1]);
        case 'd':
            return std::bit_cast<double>(tape_[at_ + 1]);
        default:
            return std::nullopt;
    }
}

Value View::to_value() const {
    if (is_null()) return {};
    if (std::optional<bool> boolean = as_bool()) return *boolean;
    if (std::optional<int64_t> integer = as_integer()) return *integer;
    if (std::optional<double> real = as_number()) return *real;
    if (std::optional<std::string_view> string = as_string()) return *string;
    if (as_array()) {
        Array out;
        for (const View& element : elements()) out.push_back(element.to_value());
        return out;
    }
    Object out;
    for (const auto& [name, value] : members()) out.set(name, value.to_value());
    return out;
}

}  // namespace weft::json
