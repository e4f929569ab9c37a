// The process' memory as a whole.
//
// Released programs allocate by mimalloc (docs/decisions/0093): maps and rows of millions of small pieces are
// what the daemons are made of.  Builds with sanitizers use these' own allocator.

#pragma once

namespace weft {

// Gives what was freed back to the system, as far as that is possible; after something large is gone.
void return_freed_memory();

}  // namespace weft
