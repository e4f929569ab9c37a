#include <algorithm>

#include "datapath/api/text.h"
#include "openflow/flow_text.h"
#include "packet/address.h"
#include "switch/control/commands.h"
#include "switch/translate/user_action.h"

namespace weft::vswitch {

namespace {

class PortNames : public datapath::PortNames {
  public:
    explicit PortNames(const datapath::Datapath& datapath) : datapath_(datapath) {}
    std::optional<std::string> name_of(datapath::PortNo port) const override {
        auto info = datapath_.find_port(port);
        return info ? std::optional(info->name) : std::nullopt;
    }
    std::optional<datapath::PortNo> port_of(std::string_view name) const override {
        auto info = datapath_.find_port(name);
        return info ? std::optional(info->number) : std::nullopt;
    }

  private:
    const datapath::Datapath& datapath_;
};

std::optional<Bytes> from_hex(std::string_view text) {
    if (text.size() % 2) return std::nullopt;
    auto digit = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    };
    Bytes out;
    for (size_t i = 0; i < text.size(); i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<uint8_t>(high << 4 | low));
    }
    return out;
}

}  // namespace

std::string describe_actions(const datapath::Actions& actions, const datapath::Datapath* names_of) {
    std::optional<PortNames> names;
    if (names_of) names.emplace(*names_of);
    std::string text = datapath::format_actions(actions, names ? &*names : nullptr);
    constexpr std::string_view kUserdata = "userdata(";
    for (size_t at = text.find(kUserdata); at != std::string::npos; at = text.find(kUserdata, at + 1)) {
        size_t end = text.find(')', at);
        if (end == std::string::npos) break;
        auto bytes =
            from_hex(std::string_view(text).substr(at + kUserdata.size(), end - at - kUserdata.size()));
        auto action = bytes ? UserAction::decode(*bytes) : std::nullopt;
        if (action) text.replace(at, end + 1 - at, action->describe());
    }
    return text;
}

std::string describe_match(const packet::Flow& key, const packet::Flow& mask,
                           const datapath::Datapath* names_of, bool verbose) {
    std::optional<PortNames> names;
    if (names_of) names.emplace(*names_of);
    return datapath::format_match(key, mask, names ? &*names : nullptr, verbose);
}

std::string format_flow(const packet::Flow& flow, const openflow::TunnelTableRef& tunnel_table,
                        const openflow::Names* names) {
    openflow::FlowText options;
    options.tunnel_table = tunnel_table;
    options.names = names;
    options.both_nd_addresses = true;
    return openflow::format_flow(flow, options);
}

}  // namespace weft::vswitch
