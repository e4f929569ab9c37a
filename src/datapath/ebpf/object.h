// The object file of the programs in the kernel, as part of the binary.

#pragma once

#include "base/bytes.h"

namespace weft::datapath::ebpf {

ByteView object_file();  // ELF; made from bpf/*.bpf.c by cmake/WeftBpf.cmake

}  // namespace weft::datapath::ebpf
