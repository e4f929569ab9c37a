// The bodies of messages as `ovs-ofctl` prints them, by family.  Internal to openflow/messages.

#pragma once

#include "openflow/message.h"

namespace weft::openflow::messages {

void print_port(const Port& port, Version version, std::string& out);
void print_ports(std::vector<Port> ports, Version version, std::string& out);  // by number
void print_flow_mod(const FlowMod& mod, const Names* names, int verbosity, std::string& out);
void print_port_stats(const PortStatsReply& reply, const Names* names, std::string& out);
void print_features(const FeaturesReply& features, Version version, std::string& out);
void print_group_features(const GroupFeaturesReply& features, Version version, std::string& out);
// Names of actions by their bits (OFPAT_…); those without a name are left out.
std::string action_names(uint64_t bits, Version version);
void print_table_stats(const std::vector<TableStats>& tables, Version version, std::string& out);
void print_table_mod(const TableMod& mod, Version version, std::string& out);
void print_table_descs(const TableDescReply& reply, std::string& out);
void print_queue_configs(const QueueConfigReply& reply, Version version, const Names* names,
                         std::string& out);
void print_ipfix_stats(const IpfixStatsReply& reply, std::string& out);
void print_flow_monitors(const FlowMonitorRequest& request, const Names* names, std::string& out);
void print_flow_updates(const FlowMonitorReply& reply, const Names* names, std::string& out);
void print_duration(uint32_t sec, uint32_t nsec, std::string& out);  // "1.5s"

}  // namespace weft::openflow::messages
