// What makes weft_next_layout another version of Weft.
#include "datapath/ebpf/predecessor.h"

uint64_t weft::datapath::ebpf::layout_version() {
    return kLayoutVersion + 1;
}
