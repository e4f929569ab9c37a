#include "base/memory.h"

#ifdef WEFT_MIMALLOC
#include <mimalloc.h>
#else
#include <malloc.h>
#endif

namespace weft {

void return_freed_memory() {
#ifdef WEFT_MIMALLOC
    mi_collect(true);
#else
    malloc_trim(0);
#endif
}

}  // namespace weft
