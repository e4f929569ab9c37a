// The executions, one per logical action; which is for which is in dispatch.cc.

#pragma once

#include "cli/trace/actions/action.h"
#include "logical/actions/assign.h"
#include "logical/actions/check.h"
#include "logical/actions/conntrack.h"
#include "logical/actions/groups.h"
#include "logical/actions/misc.h"
#include "logical/actions/neighbour.h"
#include "logical/actions/nested.h"
#include "logical/actions/options.h"
#include "logical/actions/pipeline.h"

namespace weft::cli::trace {

// pipeline.cc
void execute(const logical::Next& next, Run& run);
void execute(const logical::Output& output, Run& run);
void execute(const logical::Drop& drop, Run& run);
void execute(const logical::Clone& clone, Run& run);
void execute(const logical::Select& select, Run& run);
void execute(const logical::Log& log, Run& run);

// assign.cc
void execute(const logical::LoadConstant& load, Run& run);
void execute(const logical::LoadOvnField& load, Run& run);
void execute(const logical::MoveField& move, Run& run);
void execute(const logical::Exchange& exchange, Run& run);
void execute(const logical::DecTtl& dec, Run& run);
void execute(const logical::Push& push, Run& run);
void execute(const logical::Pop& pop, Run& run);

// conntrack.cc
void execute(const logical::CtSimple& ct, Run& run);
void execute(const logical::CtNat& nat, Run& run);
void execute(const logical::CtLb& lb, Run& run);

// neighbour.cc
void execute(const logical::GetNeighbour& get, Run& run);
void execute(const logical::LookupNeighbour& lookup, Run& run);
void execute(const logical::GetFdb& get, Run& run);
void execute(const logical::LookupFdb& lookup, Run& run);

// made_packet.cc
void execute(const logical::MadePacket& made, Run& run);

// results.cc
void execute(const logical::TableCheck& check, Run& run);
void execute(const logical::CheckPktLarger& check, Run& run);
void execute(const logical::PutOptions& put, Run& run);
void execute(const logical::DhcpRelay& relay, Run& run);
void execute(const logical::DnsLookup& lookup, Run& run);

}  // namespace weft::cli::trace
