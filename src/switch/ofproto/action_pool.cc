#include "switch/ofproto/action_pool.h"

#include "switch/classifier/hash.h"
#include "switch/ofproto/learned_cookies.h"

namespace weft::vswitch {

namespace {

uint64_t hash_bytes(uint64_t hash, ByteView bytes) {
    for (size_t i = 0; i < bytes.size(); i += 8) {
        uint64_t word = 0;
        for (size_t j = i; j < bytes.size() && j < i + 8; ++j) word = word << 8 | bytes[j];
        hash = hash_add(hash, word);
    }
    return hash;
}

// The kinds of the actions, and those of their values that usually differ.
uint64_t hash_of(uint64_t hash, const openflow::ActionList& actions) {
    hash = hash_add(hash, actions.size());
    for (const openflow::Action& action : actions) {
        hash = hash_add(hash, action.index());
        if (auto* set = openflow::action_cast<openflow::SetField>(action)) {
            hash = hash_bytes(hash_add(hash, static_cast<uint64_t>(set->field)), set->value());
        } else if (auto* resubmit = openflow::action_cast<openflow::Resubmit>(action)) {
            hash = hash_add(hash, resubmit->table);
        } else if (auto* output = openflow::action_cast<openflow::Output>(action)) {
            hash = hash_add(hash, output->port);
        } else if (auto* group = openflow::action_cast<openflow::Group>(action)) {
            hash = hash_add(hash, group->group_id);
        } else if (auto* conjunction = openflow::action_cast<openflow::Conjunction>(action)) {
            hash = hash_add(hash, uint64_t{conjunction->id} << 8 | conjunction->clause);
        } else if (auto* ct = openflow::action_cast<openflow::Ct>(action)) {
            hash = hash_of(hash_add(hash, uint64_t{ct->zone_imm} << 8 | ct->recirc_table), ct->actions);
        }
    }
    return hash;
}

}  // namespace

SharedActions::SharedActions(openflow::ActionList actions)
    : list(std::move(actions)), deletes_learned(LearnedCookies::named_by(list)) {}

SharedActions::~SharedActions() {
    if (pool) pool->forget(*this);
}

ActionPool::~ActionPool() {
    for (SharedActions* head : heads_) {
        for (; head; head = head->next) head->pool = nullptr;
    }
}

ActionsRef ActionPool::share(const openflow::ActionList& actions) {
    auto hash = static_cast<uint32_t>(hash_of(hash_seed(), actions));
    auto it = heads_.find(hash);
    size_t length = 0;
    if (it != heads_.end()) {
        for (SharedActions* have = *it; have; have = have->next, ++length) {
            if (have->list == actions) return ActionsRef(have);
        }
    }
    auto* made = new SharedActions(actions);
    made->hash = hash;
    if (length >= kLongestChain) return ActionsRef(made);
    made->pool = this;
    if (it == heads_.end()) {
        heads_.insert(made);
    } else {  // behind the head, which stays where the set knows it
        made->next = (*it)->next;
        (*it)->next = made;
    }
    return ActionsRef(made);
}

void ActionPool::forget(SharedActions& actions) {
    auto it = heads_.find(actions.hash);
    if (*it != &actions) {
        SharedActions* before = *it;
        while (before->next != &actions) before = before->next;
        before->next = actions.next;
        return;
    }
    heads_.erase(it);
    if (actions.next) heads_.insert(actions.next);
}

}  // namespace weft::vswitch
