#include "cli/trace/node.h"

#include <utility>

namespace weft::cli::trace {

namespace {

using Kind = Node::Kind;

void indent(size_t level, std::string& out) {
    out.append(4 * level, ' ');
}

std::string text_of(const Node& node) {
    return node.kind == Kind::kError ? "*** " + node.text : node.text;
}

void put_detailed(const Nodes& nodes, size_t level, std::string& out) {
    for (const Node& node : nodes) {
        switch (node.kind) {
            case Kind::kPipeline:
            case Kind::kTransform: {
                size_t own = node.tail ? level : level + 1;
                out += '\n';
                indent(own, out);
                out += node.text + '\n';
                indent(own, out);
                out.append(node.text.size(), '-');
                out += '\n';
                put_detailed(node.children, node.tail ? level : level + 2, out);
                break;
            }
            case Kind::kTable:
                indent(node.tail ? level : level + 1, out);
                out += node.text + '\n';
                put_detailed(node.children, node.tail ? level : level + 2, out);
                break;
            case Kind::kAction:
            case Kind::kComment:
            case Kind::kRemark:
            case Kind::kError:
                indent(level + 1, out);
                out += text_of(node) + '\n';
                break;
            case Kind::kModify:
            case Kind::kOutput:
                break;
        }
    }
}

void put_block(const std::string& heading, const std::string& inside, size_t level, std::string& out) {
    indent(level, out);
    out += heading;
    if (!inside.empty()) {
        out += " {\n" + inside;
        indent(level, out);
        out += '}';
    }
    out += ";\n";
}

void put_line(const std::string& text, size_t level, std::string& out) {
    indent(level, out);
    out += text;
    if (!text.ends_with(';')) out += ';';
    out += '\n';
}

void put_summary(const Nodes& nodes, size_t level, std::string& out) {
    for (const Node& node : nodes) {
        switch (node.kind) {
            case Kind::kPipeline:
            case Kind::kTransform: {
                std::string inside;
                put_summary(node.children, level + 1, inside);
                put_block(node.text, inside, level, out);
                break;
            }
            case Kind::kTable:
                put_summary(node.children, level, out);
                break;
            case Kind::kAction:
                // The flows of the table that it goes to follow anyway.
                if (node.text.starts_with("next(")) break;
                indent(level, out);
                out += node.text + '\n';
                break;
            case Kind::kComment:
            case Kind::kRemark:
            case Kind::kError:
                put_line(text_of(node), level, out);
                break;
            case Kind::kModify:
            case Kind::kOutput:
                break;
        }
    }
}

void put_minimal(const Nodes& nodes, size_t level, std::string& out) {
    for (const Node& node : nodes) {
        switch (node.kind) {
            case Kind::kPipeline:
            case Kind::kTable:
                put_minimal(node.children, level, out);
                break;
            case Kind::kTransform: {
                std::string inside;
                put_minimal(node.children, level + 1, inside);
                put_block(node.text, inside, level, out);
                break;
            }
            case Kind::kModify:
            case Kind::kOutput:
            case Kind::kRemark:
            case Kind::kError:
                put_line(text_of(node), level, out);
                break;
            case Kind::kAction:
            case Kind::kComment:
                break;
        }
    }
}

}  // namespace

Node& append(Nodes& nodes, Node::Kind kind, std::string text, bool tail) {
    nodes.push_back(Node{kind, std::move(text), tail, {}});
    return nodes.back();
}

std::string detailed_text(const Nodes& nodes) {
    std::string out;
    put_detailed(nodes, 0, out);
    return out;
}

std::string summary_text(const Nodes& nodes) {
    std::string out;
    put_summary(nodes, 0, out);
    return out;
}

std::string minimal_text(const Nodes& nodes) {
    std::string out;
    put_minimal(nodes, 0, out);
    return out;
}

}  // namespace weft::cli::trace
