#include "controller/responders/dns_table.h"

#include <algorithm>
#include <cctype>

namespace weft::controller {

namespace sb = schema::sb;

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!text.empty() && text.back() == '.') text.pop_back();
    return text;
}

}  // namespace

void DnsTable::update(const ovsdb::client::Replica& southbound) {
    for (const auto& change : southbound.changes<sb::DNS>()) {
        if (change.deleted()) {
            erase(change.row().uuid);
        } else {
            set(change.row().uuid, *change.after);
        }
    }
}

void DnsTable::set(const Uuid& uuid, const sb::DNS& value) {
    erase(uuid);
    Row& row = rows_[uuid];
    bool owned = ovsdb::get_bool(value.options, "ovn-owned");
    for (const auto& [name, text] : value.records) row.names[lower(name)] = dns::parse_records(text, owned);
    for (const Uuid& datapath : value.datapaths) {
        row.datapaths.insert(datapath);
        by_datapath_[datapath].insert(uuid);
    }
}

void DnsTable::erase(const Uuid& uuid) {
    auto row = rows_.find(uuid);
    if (row == rows_.end()) return;
    for (const Uuid& datapath : row->second.datapaths) {
        auto rows = by_datapath_.find(datapath);
        rows->second.erase(uuid);
        if (rows->second.empty()) by_datapath_.erase(rows);
    }
    rows_.erase(row);
}

const dns::Records* DnsTable::find(const Uuid& datapath, const std::string& name) const {
    auto rows = by_datapath_.find(datapath);
    if (rows == by_datapath_.end()) return nullptr;
    for (const Uuid& uuid : rows->second) {
        const Row& row = rows_.at(uuid);
        auto it = row.names.find(name);
        if (it != row.names.end()) return &it->second;
    }
    return nullptr;
}

}  // namespace weft::controller
