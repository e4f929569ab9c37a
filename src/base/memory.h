// The process' memory as a whole.
//
// Released programs allocate by mimalloc (docs/decisions/0093): maps and rows of millions of small pieces are
// what the daemons are made of.  Builds with sanitizers use these' own allocator.

#pragma once

namespace weft {

// While one lives, what this thread allocates comes from pages of their own.  For what is soon freed again,
// messages above all: among rows that stay, it would leave pages half empty, which no one else can use.  What
// is kept all the same may be kept.
class ShortLived {
  public:
    ShortLived();
    ~ShortLived();
    ShortLived(const ShortLived&) = delete;
    ShortLived& operator=(const ShortLived&) = delete;

  private:
    [[maybe_unused]] void* before_;
};

// Gives what was freed back to the system, as far as that is possible; after something large is gone.
void return_freed_memory();

// From now on what was freed stays with the process: for one that reads one large message after the other,
// and would else get the same pages anew for each.
void keep_freed_memory();

}  // namespace weft
