#include "datapath/ebpf/predecessor.h"

namespace weft::datapath::ebpf {

uint64_t layout_version() {
    return kLayoutVersion;
}

}  // namespace weft::datapath::ebpf
