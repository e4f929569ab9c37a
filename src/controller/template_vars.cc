#include "controller/template_vars.h"

#include <algorithm>
#include <cctype>

namespace weft::controller {

std::string expand_template_vars(SouthboundView& view, std::string_view text) {
    std::string out;
    while (true) {
        size_t mark = text.find('^');
        out += text.substr(0, mark);
        if (mark == std::string_view::npos) return out;
        text.remove_prefix(mark + 1);
        size_t length = static_cast<size_t>(
            std::find_if_not(text.begin(), text.end(),
                             [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.'; }) -
            text.begin());
        std::string name(text.substr(0, length));
        const std::optional<std::string>& value = view.template_var(name);
        out += value ? *value : "^" + name;
        text.remove_prefix(length);
    }
}

}  // namespace weft::controller
