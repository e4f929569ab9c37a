// Any bytes as a list of actions, or of instructions, in every version of OpenFlow: refused, or something
// that has a text.  Sent on, it is what every switch takes for the same: an older form becomes the version's
// own once, and then stays as it is.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "openflow/action.h"
#include "openflow/version.h"

using namespace weft;
using namespace weft::openflow;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (!size) return 0;
    Version version = kAllVersions[(data[0] & 0x7f) % std::size(kAllVersions)];
    bool instructions = data[0] & 0x80;
    auto read = [&](ByteView bytes, ActionList& out) {
        return instructions ? decode_instructions(bytes, version, {}, out)
                            : decode_actions(bytes, version, {}, out);
    };
    ActionList actions;
    if (read({data + 1, size - 1}, actions) != OfError::kNone) return 0;
    std::string text = to_string(actions);
    (void)parse_actions(text);
    for (int round = 0; round < 2; ++round) {
        ByteWriter out;
        if (instructions)
            encode_instructions(actions, version, out);
        else
            encode_actions(actions, version, out);
        ActionList again;
        OfError error = read(out.view(), again);
        std::string became = to_string(again);
        if (error != OfError::kNone || (round && became != text)) {
            std::fprintf(stderr, "%s: %s\nbecame %s: %s\n", version_name(version), text.c_str(),
                         error_name(error), became.c_str());
            std::abort();
        }
        actions = std::move(again);
        text = std::move(became);
    }
    return 0;
}
