#include "base/memory.h"

#ifdef WEFT_MIMALLOC
#include <mimalloc.h>
#else
#include <malloc.h>
#endif

namespace weft {

#ifdef WEFT_MIMALLOC

namespace {
// Of this thread, as every heap is; null before the first use.
thread_local mi_heap_t* short_lived = nullptr;
}  // namespace

ShortLived::ShortLived() {
    if (!short_lived) short_lived = mi_heap_new();
    before_ = mi_heap_set_default(short_lived);
}
ShortLived::~ShortLived() {
    mi_heap_set_default(static_cast<mi_heap_t*>(before_));
}

#else

ShortLived::ShortLived() : before_(nullptr) {}
ShortLived::~ShortLived() = default;

#endif

void return_freed_memory() {
#ifdef WEFT_MIMALLOC
    if (short_lived) mi_heap_collect(short_lived, true);
    mi_collect(true);
#else
    malloc_trim(0);
#endif
}

void keep_freed_memory() {
#ifdef WEFT_MIMALLOC
    mi_option_disable(mi_option_allow_decommit);
#endif
}

}  // namespace weft
