#include "openflow/flow_colours.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace weft::openflow {

namespace {

std::optional<FlowColours> installed;
thread_local int paintings = 0;  // that live

template <size_t N>
bool one_of(std::string_view word, const std::string_view (&words)[N]) {
    return std::ranges::find(words, word) != std::end(words);
}

// At the commas that are in no parentheses.
std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    int depth = 0;
    size_t start = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '(') ++depth;
        if (text[i] == ')') --depth;
        if (text[i] != ',' || depth) continue;
        parts.push_back(text.substr(start, i - start));
        start = i + 1;
    }
    parts.push_back(text.substr(start));
    return parts;
}

class Painter {
  public:
    explicit Painter(const FlowColours& colours) : c_(colours) {}

    std::string run(std::string_view text, FlowTextPart part) {
        if (part == FlowTextPart::kWhole) return whole(text);
        part == FlowTextPart::kMatch ? head(text) : actions(text);
        return std::move(out_);
    }

  private:
    std::string whole(std::string_view line) {
        constexpr std::string_view kActions = "actions=";
        size_t at = line.find(kActions);
        head(line.substr(0, at));
        if (at == line.npos) return std::move(out_);
        paint(c_.actions, kActions);
        actions(line.substr(at + kActions.size()));
        return std::move(out_);
    }
    void plain(std::string_view text) { out_ += text; }
    void paint(const std::string& sgr, std::string_view text) {
        out_ += "\33[";
        out_ += sgr;
        out_ += "m\33[K";
        out_ += text;
        out_ += "\33[m\33[K";
    }

    // --- statistics and match

    void head(std::string_view text) {
        size_t start = 0;
        int depth = 0;
        for (size_t i = 0; i <= text.size(); ++i) {
            if (i < text.size() && text[i] == '(') ++depth;
            if (i < text.size() && text[i] == ')') --depth;
            if (i < text.size() && ((text[i] != ',' && text[i] != ' ') || depth)) continue;
            term(text.substr(start, i - start));
            if (i < text.size()) out_ += text[i];
            start = i + 1;
        }
    }

    void term(std::string_view word) {
        static constexpr std::string_view kProtocols[] = {"ip",   "ipv6", "tcp",   "tcp6", "udp",
                                                          "udp6", "sctp", "sctp6", "icmp", "icmp6",
                                                          "arp",  "rarp", "mpls",  "mplsm"};
        static constexpr std::string_view kPlain[] = {"packet_type", "tun_gbp_flags", "gtpu_flags",
                                                      "gtpu_msgtype"};
        size_t equals = word.find('=');
        std::string_view name = word.substr(0, equals);
        if (equals == word.npos) return one_of(word, kProtocols) ? paint(c_.lone, word) : plain(word);
        if (one_of(name, kPlain) || name.starts_with("tun_metadata") || name.starts_with("tun_erspan"))
            return plain(word);
        if (name == "conj_id") --equals;  // whose "=" has no colour
        paint(name == "table" || name == "priority" ? c_.special : c_.field, word.substr(0, equals + 1));
        plain(word.substr(equals + 1));
    }

    // --- actions

    void actions(std::string_view text) {
        bool first = true;
        for (std::string_view action : split(text)) {
            if (!std::exchange(first, false)) plain(",");
            this->action(action);
        }
    }

    void action(std::string_view text) {
        static constexpr std::string_view kLone[] = {"strip_vlan",    "pop_vlan",  "ct_clear",
                                                     "clear_actions", "pop_queue", "dec_mpls_ttl"};
        if (text == "drop") return paint(c_.drop, text);
        if (text == "exit" || text == "dec_nsh_ttl") return paint(c_.special, text);
        if (text == "dec_ttl") return paint(c_.call, text);
        if (one_of(text, kLone)) return paint(c_.lone, text);
        if (text == "ct") text = "ct()";  // what is not told apart without colours
        size_t at = text.find_first_of("(:");
        if (at == text.npos) return plain(text);
        text[at] == '(' ? call(text, at) : assignment(text, at);
    }

    // "NAME:VALUE", "load:VALUE->FIELD"
    void assignment(std::string_view text, size_t colon) {
        static constexpr std::string_view kSpecial[] = {"output",    "load",  "move",
                                                        "set_field", "group", "resubmit"};
        std::string_view name = text.substr(0, colon), value = text.substr(colon + 1);
        if (name == "CONTROLLER") return plain(text);
        paint(one_of(name, kSpecial) ? c_.special : c_.field, text.substr(0, colon + 1));
        size_t arrow = value.find("->");
        plain(value.substr(0, arrow));
        if (arrow == value.npos) return;
        paint(c_.special, "->");
        plain(value.substr(arrow + 2));
    }

    // "NAME(ARGUMENTS)REST"
    void call(std::string_view text, size_t open) {
        std::string_view name = text.substr(0, open);
        size_t close = text.rfind(')');
        if (close == text.npos || close < open) return plain(text);
        std::string_view opening = text.substr(0, open + 1), inside = text.substr(open + 1, close - open - 1);
        if (name == "output") {
            paint(c_.special, name);
            return plain(text.substr(open));
        }
        if (name == "check_pkt_larger") {
            paint(c_.field, opening);
            return plain(text.substr(open + 1));
        }
        if (name == "dec_ttl") {
            paint(c_.call, name);
            opening = "(";
        }
        const std::string& colour = name == "learn" ? c_.learn : c_.call;
        paint(colour, opening);
        if (name == "learn") {
            learn(inside);
        } else if (name == "ct") {
            ct(inside);
        } else if (name == "clone" || name == "write_actions") {
            actions(inside);
        } else if (name == "encap") {
            encap(inside);
        } else if (name == "bundle" || name == "bundle_load") {
            bundle(inside);
        } else if (name == "sample" || name == "controller" || name == "fin_timeout") {
            arguments(inside);
        } else {
            plain(inside);
        }
        paint(colour, ")");
        plain(text.substr(close + 1));
    }

    // "NAME=VALUE,FLAG"
    void arguments(std::string_view text) {
        bool first = true;
        for (std::string_view part : split(text)) {
            if (!std::exchange(first, false)) plain(",");
            named(part);
        }
    }
    void named(std::string_view part) {
        size_t equals = part.find('=');
        if (equals == part.npos) return paint(part.ends_with("gress") ? c_.field : c_.lone, part);
        paint(part.starts_with("table=") ? c_.special : c_.field, part.substr(0, equals + 1));
        plain(part.substr(equals + 1));
    }

    void encap(std::string_view inside) {
        size_t open = inside.find('(');
        plain(inside.substr(0, open));
        if (open == inside.npos) return;
        paint(c_.call, "(");
        plain(inside.substr(open + 1, inside.size() - open - 2));
        paint(c_.call, ")");
    }

    void bundle(std::string_view inside) {
        constexpr std::string_view kMembers = "members:";
        size_t at = inside.find(kMembers);
        plain(inside.substr(0, at));
        if (at == inside.npos) return;
        paint(c_.field, kMembers);
        plain(inside.substr(at + kMembers.size()));
    }

    void ct(std::string_view inside) {
        if (inside.empty()) return;
        bool first = true;
        for (std::string_view part : split(inside)) {
            if (!std::exchange(first, false)) plain(",");
            if (part.starts_with("exec(")) {
                paint(c_.call, "exec(");
                actions(part.substr(5, part.size() - 6));
                // The comma in front of ct's end, which is taken back where there are no colours, stays.
                paint(c_.call, "),");
            } else if (part.starts_with("nat")) {
                paint(c_.call, "nat");
                if (part.size() > 3) nat(part.substr(4, part.size() - 5));
            } else {
                named(part);
            }
        }
    }

    void nat(std::string_view inside) {
        paint(c_.call, "(");
        bool first = true;
        for (std::string_view part : split(inside)) {
            if (!std::exchange(first, false)) plain(",");
            size_t equals = part.find('=');
            std::string_view name = part.substr(0, equals);
            paint(name == "src" || name == "dst" ? c_.field : c_.lone, name);
            if (equals == part.npos) continue;
            paint(c_.field, "=");
            plain(part.substr(equals + 1));
        }
        paint(c_.call, ")");
    }

    void learn(std::string_view inside) {
        bool first = true;
        for (std::string_view part : split(inside)) {
            size_t equals = part.find('=');
            std::string_view name = part.substr(0, equals);
            bool comma = !std::exchange(first, false);
            if (comma && (name == "priority" || name == "fin_hard_timeout")) {
                // The comma has their colour.
                paint(name == "priority" ? c_.special : c_.field,
                      "," + std::string(part.substr(0, equals + 1)));
                plain(part.substr(equals + 1));
                continue;
            }
            if (comma) plain(",");
            if (part.starts_with("load:") || part.starts_with("output:")) {
                action(part);
            } else if (equals != part.npos && part.substr(equals).find('[') != part.npos &&
                       name != "result_dst") {
                paint(c_.field, name);  // a field from a field
                paint(c_.field, "=");
                plain(part.substr(equals + 1));
            } else if (part.ends_with("]") && equals == part.npos) {
                paint(c_.field, part);
            } else {
                named(part);
            }
        }
    }

    const FlowColours& c_;
    std::string out_;
};

}  // namespace

FlowColours FlowColours::parse(std::string_view text) {
    FlowColours out;
    const std::pair<std::string_view, std::string*> known[] = {
        {"ac", &out.actions}, {"dr", &out.drop},    {"le", &out.learn}, {"pm", &out.field},
        {"pr", &out.call},    {"sp", &out.special}, {"vl", &out.lone}};
    while (!text.empty()) {
        size_t end = text.find(':');
        std::string_view part = text.substr(0, end);
        text = end == text.npos ? std::string_view() : text.substr(end + 1);
        size_t equals = part.find('=');
        if (equals == part.npos) continue;
        for (auto [name, colour] : known) {
            if (part.substr(0, equals) == name) *colour = part.substr(equals + 1);
        }
    }
    return out;
}

void set_flow_colours(std::optional<FlowColours> colours) {
    installed = std::move(colours);
}

std::string colour_flow(std::string_view text, FlowTextPart part, const FlowColours& colours) {
    return Painter(colours).run(text, part);
}

FlowPainting::FlowPainting(std::string& out, FlowTextPart part) : out_(out), part_(part), start_(out.size()) {
    ++paintings;
}

FlowPainting::~FlowPainting() {
    if (--paintings || !installed) return;
    std::string painted = colour_flow(std::string_view(out_).substr(start_), part_, *installed);
    out_.replace(start_, out_.npos, painted);
}

}  // namespace weft::openflow
