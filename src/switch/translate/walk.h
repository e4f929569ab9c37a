// The state of one translation.  Private to translate/: the files beside this one each handle a family of
// actions.

#pragma once

#include <string>
#include <vector>

#include "switch/translate/translate.h"
#include "switch/upcall/backer.h"

namespace weft::vswitch {

using openflow::action_cast;

inline constexpr int kMaxDepth = 64;
inline constexpr int kMaxResubmits = 4096;
inline constexpr uint8_t kFragMask = packet::kFragAny | packet::kFragLater;
inline constexpr size_t kMaxStackBytes = 65536;

// OpenFlow's order of a set, each kind once.
openflow::ActionList order_action_set(const openflow::ActionList& set);

class Walk {
  public:
    Walk(const TranslateInput& input, TranslateOutput& output);
    void run();

  private:
    // walk.cc
    void enter();
    bool takes_protocol(const OfPort& port);
    bool is_bpdu();
    // Runs `body` as the tree's state of the port that the packet came in by lets it: without actions,
    // without output, or as it is.
    template <typename Body>
    void through_tree(const OfPort* port, Body body);
    bool enter_mirrors(const OfPort& port);
    void patch_input(OfPort& peer);  // the packet enters its bridge
    void thaw(const FrozenState& state);
    void table_lookup(uint32_t in_port, uint8_t table, bool may_packet_in, bool honor_miss, bool last);
    void run_rule(Rule& rule);
    void resubmit(const openflow::Resubmit& action, bool last);
    void do_actions(const openflow::ActionList& actions, bool last);
    void do_action(const openflow::Action& action, const openflow::ActionList& rest, size_t index, bool last);
    void do_action_set();
    void finish();
    bool too_deep();
    void fail(TranslateError error);
    void write_actions(const openflow::WriteActions& write);
    openflow::ActionList ordered_action_set() const;
    std::string describe_action_set() const;

    // output.cc
    void output(uint32_t port, uint16_t max_len, bool last, bool may_packet_in = true);
    void output_trunc(const openflow::OutputTrunc& action);
    void output_reg(const openflow::OutputReg& action, bool last);
    void output_port(uint32_t port, bool check_in_port = true, bool check_tree = true);
    void output_to(OfPort& port);
    void send_to(OfPort& port);
    void mark_queue(const OfPort& port);
    void output_patch(OfPort& port, OfPort& peer);
    void output_tunnel(OfPort& port);
    void flood(bool all);
    // The packet enters the bridge of `peer` by it, as `prepare` makes it; `nested`: a trace shows that in
    // its place, else as what follows.
    template <typename Prepare>
    void enter_bridge(OfPort& peer, bool nested, Prepare prepare);
    void commit();
    void append(datapath::Action action) { out_.actions.push_back(std::move(action)); }

    // native_tunnel.cc
    bool output_native(OfPort& port, datapath::SetTunnel header);  // false: it goes by the host's own stack
    void push_into(OfPort& local, datapath::PushTunnel push);
    bool pop_tunnel(const OfPort& port);
    void snoop_neighbour(const OfPort& port, Underlay& underlay);

    // normal.cc
    void normal();
    // `back`: also out of the port that it came in by.
    void output_normal(Bundle& bundle, uint16_t vlan, bool back = false);
    void learn_mac(Bundle& bundle, uint16_t vlan);
    bool input_vlan(const Bundle& bundle, uint16_t& vlan);
    Bundle* bundle_of_input();
    bool normal_may_send(const Bundle* from, const Bundle& to, uint16_t vlan) const;
    void normal_flood(Bundle* from, uint16_t vlan);

    // multicast.cc
    bool is_multicast_ip() const;
    void normal_multicast(Bundle* from, uint16_t vlan);
    void snoop(Bundle& from, uint16_t vlan);
    void to_groups_routers_and_flagged(const MulticastTable::Group* group, Bundle* from, uint16_t vlan);
    void to_routers(Bundle* from, uint16_t vlan, std::vector<const Bundle*>& sent);
    void report_to_routers(Bundle* from, uint16_t vlan);
    void send_multicast(Bundle* from, Bundle& to, uint16_t vlan, std::string_view kind,
                        std::vector<const Bundle*>& sent);

    // bonds.cc
    bool admitted(const Bundle& bundle, uint16_t vlan);
    bool gratuitous_arp();
    void output_bond(Bundle& bundle, uint16_t vlan, bool check_in_port);
    void thaw_bond(const FrozenState& state);

    // mirrors.cc
    void mirror_input(const Bundle& from);
    void mirror_output(const Bundle& to);
    bool wanted(const openflow::Match& filter);
    void mirror(uint32_t chosen, const Bundle& bundle);

    // fields.cc
    void set_field(const openflow::SetField& action);
    void move(const openflow::RegMove& action);
    void push(const openflow::StackPush& action);
    void pop(const openflow::StackPop& action);
    void fixed_field(const openflow::Action& action);
    bool dec_ttl(const openflow::DecTtl& action);
    void ensure_vlan();
    void push_vlan(uint16_t ethertype, uint16_t tci);
    void pop_vlan();
    size_t count_labels();  // of those that a flow tells
    bool too_many_labels(std::string_view action);
    void push_mpls(uint16_t ethertype);
    void pop_mpls(uint16_t ethertype);
    bool set_mpls(uint32_t mask, unsigned shift, uint32_t value);
    bool dec_mpls_ttl();
    void delete_field(const openflow::DeleteField& action);
    void show_subfield(const openflow::Subfield& subfield);
    void write_subfield(const openflow::Subfield& dst, uint64_t value);
    void look_at(const openflow::Field& field);
    void look_at_with_prerequisites(const openflow::Field& field);
    const openflow::TunnelTable* tunnel_table() const { return bridge_->tunnel_table.get(); }

    // encap.cc
    void encap(const openflow::Encap& action);
    void commit_encap();
    void decap(const openflow::Decap& action);
    bool dec_nsh_ttl();
    void encap_mpls(uint16_t ethertype);
    void decap_mpls(const openflow::Decap& action);
    void enter_below(uint32_t packet_type);
    void unsupported_packet_type(std::string what);

    // conntrack.cc
    void ct(const openflow::Ct& action, bool last);
    void ct_clear();
    void clear_ct_fields();

    // in_band.cc
    void output_dhcp_in_band();

    // controller.cc
    void controller(const openflow::Controller& action);
    void pause(const openflow::Controller& action);
    void end_freezing();

    // learn.cc
    void learn(const openflow::Learn& action);
    bool keep_learnt(const EffectCache::LearnFlow& flow);
    void fin_timeout(const openflow::FinTimeout& action);

    // hashing.cc
    void multipath(const openflow::Multipath& action);
    void bundle_action(const openflow::Bundle& action);
    uint32_t hash_fields(openflow::HashFields fields, uint16_t basis);
    bool port_live(uint32_t port) const;

    // groups.cc
    void group(uint32_t id, bool last);
    void select_group(GroupEntry& group, bool last);
    void run_bucket(GroupEntry& group, size_t bucket, bool last);
    bool bucket_live(const GroupEntry& group, const GroupBucket& bucket, int depth) const;
    const GroupBucket* first_live(const GroupEntry& group, int depth) const;
    bool pick_by_hash(GroupEntry& group, uint32_t hash, size_t& bucket);

    // Runs `body` so that what it does to the packet and the pipeline is gone afterwards; in the datapath the
    // packet is cloned only if that could not be undone, or if it is to be (`copied`).
    template <typename Body>
    void isolated(Body body, bool last, bool copied = false);

    // branches.cc: actions whose lists are nested in one datapath action
    void clone(const openflow::Clone& action, bool last);
    void check_packet_larger(const openflow::CheckPktLarger& action, const openflow::ActionList& rest,
                             size_t index);
    void sample(const openflow::Sample& action);

    // sampling.cc
    void sample_input();
    void sample_output(const OfPort& port);
    void note_netflow_output(uint32_t port);
    void finish_sampling();
    void append_sample(uint32_t probability, const UserAction& action, bool with_actions,
                       datapath::PortNo tunnel_egress = datapath::kNoPort);

    // freeze.cc
    FrozenState freeze_state();
    bool came_by_tunnel() const;
    void look_at_options();
    void look_at_policy();
    uint32_t freeze(FrozenState state);
    void recirculate(FrozenState state);
    void start_freezing();  // the actions that remain are collected while the walk unwinds
    bool freezing() const { return freezing_; }
    void collect_rest(const openflow::ActionList& actions, size_t from);

    // Tracing.  The node's list for children is where later reports go while an object of Nest lives.
    TraceNode* report(TraceNode::Kind kind, std::string text) {
        if (!trace_) return nullptr;
        trace_->push_back({kind, std::move(text), {}});
        return &trace_->back();
    }
    void detail(std::string text) { report(TraceNode::Kind::kDetail, std::move(text)); }
    void warning(std::string text) { report(TraceNode::Kind::kWarning, std::move(text)); }
    bool tracing() const { return trace_ != nullptr; }
    template <typename Thing>
    std::string text_of(const Thing& thing) const {
        if (!in_.trace_names) return openflow::to_string(thing);
        openflow::Names names = bridge_->names();
        return openflow::to_string(thing, &names);
    }
    class Nest {
      public:
        Nest(Walk& walk, TraceNode* node) : walk_(walk), saved_(walk.trace_) {
            if (node) walk.trace_ = &node->children;
        }
        ~Nest() { walk_.trace_ = saved_; }

      private:
        Walk& walk_;
        std::list<TraceNode>* saved_;
    };

    template <typename Effect>
    void note(Effect effect) {
        if (in_.cache) in_.cache->effects.emplace_back(std::move(effect));
    }
    void count_rule(Rule& rule, uint64_t* lookups = nullptr);

    const TranslateInput& in_;
    TranslateOutput& out_;
    Backer& backer_;
    Bridge* bridge_;
    std::list<TraceNode>* trace_;
    packet::Flow flow_;  // as the actions so far made it
    packet::Flow base_;  // as the datapath actions so far made it
    packet::Flow& mask_;
    std::vector<Bytes> stack_;
    size_t stack_bytes_ = 0;
    openflow::ActionList action_set_;
    Rule* rule_ = nullptr;
    uint8_t table_ = 0;
    uint64_t cookie_ = 0;
    int depth_ = 0, resubmits_ = 0;
    bool exit_ = false;
    bool list_ends_ = false;  // no more of this list: the packet's time to live ran out
    bool in_action_set_ = false, in_group_ = false;
    bool conntracked_ = false;
    bool was_mpls_ = false;
    bool no_actions_ = false;  // rules are found and counted, but not carried out
    bool freezing_ = false;
    bool resume_at_current_ = false;      // the action that froze is done again after the thaw
    bool last_output_ = false;            // nothing follows the output that is being made
    std::unique_ptr<Bytes> pending_nsh_;  // a service header to push, with TLVs of metadata type 2
    bool pending_mpls_ = false;           // a label to add
    bool header_lost_ = false;            // an Ethernet header was taken off for a tunnel: it may come back
    uint32_t truncate_ = 0;
    uint32_t mirrored_ = 0;  // the bridge's mirrors that have their copy
    uint32_t hash_basis_ = 0;
    uint8_t ct_nat_depth_ = 0;
    const openflow::Nat* ct_nat_ = nullptr;
    std::vector<FrozenSegment> segments_;
    std::vector<EffectCache::LearnFlow> learnt_;    // by this packet, which does not meet it
    std::unique_ptr<openflow::Controller> paused_;  // the walk froze for a controller
    uint64_t paused_cookie_ = 0;
    uint8_t paused_table_ = 0;
    // What is told to collectors: actions at the front that are completed when the walk has ended.
    bool sampled_sflow_ = false, sampled_ipfix_ = false;
    uint32_t outputs_ = 0;  // to ports of the datapath
    const OfPort* last_out_ = nullptr;
    uint16_t last_tci_ = 0;
    uint16_t netflow_output_ = Netflow::kDrop;
    openflow::PacketInReason output_reason_ = openflow::PacketInReason::kAction;
};

}  // namespace weft::vswitch
