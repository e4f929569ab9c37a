// Colours in the text of flows, as ovs-ofctl(8) has them under --color: keywords and fields of what
// format_match(), format_actions() and format_flow_stats() wrote are wrapped in SGR sequences (ECMA-48,
// section 8.3.117), each followed by "erase to the end of the line".
//
// OVS_COLORS ("ac=01;31:dr=34:...") chooses the sequences.  The text is written without colours and painted
// afterwards, as a whole: what is inside of what has been written knows of nothing.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weft::openflow {

struct FlowColours {
    std::string actions = "1;31", drop = "34", learn = "31", field = "36", call = "35", special = "33",
                lone = "32";

    // Capabilities that are not known, or have no "=", count for nothing.
    static FlowColours parse(std::string_view text);
};

// Of all that this program writes from now on; none: no colours.
void set_flow_colours(std::optional<FlowColours> colours);

enum class FlowTextPart : uint8_t { kMatch, kActions, kWhole };  // kWhole: as format_flow_stats() has it
std::string colour_flow(std::string_view text, FlowTextPart part, const FlowColours& colours);

// Paints what is appended to `out` while it lives, if there are colours and no other one around it does.
class FlowPainting {
  public:
    FlowPainting(std::string& out, FlowTextPart part);
    ~FlowPainting();
    FlowPainting(const FlowPainting&) = delete;

  private:
    std::string& out_;
    FlowTextPart part_;
    size_t start_;
};

}  // namespace weft::openflow
