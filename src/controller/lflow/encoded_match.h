// The wire form of what a logical flow becomes: matches whose datapath key is written in for each datapath,
// and instructions.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "logical/match_set.h"
#include "openflow/action.h"

namespace weft::controller {

struct EncodedMatch {
    std::string bytes;      // struct ofp_match, padding included
    size_t key_offset = 0;  // of the datapath's key, 8 bytes that are zero here
    bool is_clause = false;
    std::string clause_instructions;
};

// Members of a set and of a conjunction are many of one form: matches of the same fields, where only wide
// values differ that are compared as a whole.  A form is encoded once for each thread.
EncodedMatch encode_match(const logical::Conjunct& tests, std::optional<uint32_t> conj_id = std::nullopt);
std::string encode_instructions(const openflow::ActionList& actions);

}  // namespace weft::controller
