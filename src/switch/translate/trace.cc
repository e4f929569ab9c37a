#include "switch/translate/trace.h"

namespace weft::vswitch {

namespace {

using Kind = TraceNode::Kind;

bool opens_block(Kind kind) {
    return kind == Kind::kTable || kind == Kind::kBucket || kind == Kind::kThaw || kind == Kind::kBridge;
}

void line(std::string& out, size_t indent, std::string_view text) {
    out.append(indent, ' ');
    out += text;
    out += '\n';
}

// `indent` is where the actions of the enclosing table stand.  A table that is entered by the very last
// action of another (`tail`) continues at the same depth instead of going deeper, so that long chains stay
// readable.
void format_nodes(const std::list<TraceNode>& nodes, size_t indent, bool tail, std::string& out,
                  bool top = false) {
    for (auto it = nodes.begin(); it != nodes.end(); ++it) {
        const TraceNode& node = *it;
        bool last = std::next(it) == nodes.end();
        switch (node.kind) {
            case Kind::kBridge:
                out += '\n';
                line(out, top ? 0 : indent, node.text);
                line(out, top ? 0 : indent, std::string(node.text.size(), '-'));
                format_nodes(node.children, top ? 4 : indent + 8, true, out);
                break;
            case Kind::kTable:
            case Kind::kBucket:
            case Kind::kThaw: {
                bool continues = tail && node.kind == Kind::kTable;
                if (node.kind == Kind::kThaw) {
                    line(out, indent, node.text);
                    for (const TraceNode& child : node.children) line(out, indent + 4, child.text);
                } else {
                    line(out, continues ? indent - 4 : indent, node.text);
                    format_nodes(node.children, continues ? indent : indent + 8, continues ? last : true,
                                 out);
                }
                break;
            }
            case Kind::kAction:
                line(out, indent, node.text);
                format_nodes(node.children, indent, last && tail, out);
                break;
            case Kind::kDetail:
                line(out, indent, " -> " + node.text);
                break;
            case Kind::kWarning:
                line(out, indent, " >> " + node.text);
                break;
            case Kind::kError:
                line(out, indent, " >>>> " + node.text + " <<<<");
                break;
        }
        if (!opens_block(node.kind) && node.kind != Kind::kAction)
            format_nodes(node.children, indent, false, out);
    }
}

}  // namespace

std::string format_trace(const std::list<TraceNode>& nodes) {
    std::string out;
    format_nodes(nodes, 4, true, out, true);
    return out;
}

}  // namespace weft::vswitch
