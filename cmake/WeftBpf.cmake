# The programs of the eBPF datapath: src/datapath/ebpf/bpf/datapath.bpf.c compiled by clang for the kernel's machine and, as an
# array of bytes, part of the module `datapath` (datapath/ebpf/object.h).  Its types (BTF) are kept, what only debuggers want is
# not.
find_program(BPF_CLANG NAMES clang clang-16 clang-14 REQUIRED)
find_program(BPF_STRIP NAMES llvm-strip llvm-strip-16 llvm-strip-14)  # makes it smaller, where it is

set(bpf_folder ${CMAKE_SOURCE_DIR}/src/datapath/ebpf)
set(bpf_object ${CMAKE_BINARY_DIR}/generated/datapath.bpf.o)
set(bpf_source ${CMAKE_BINARY_DIR}/generated/datapath_bpf_object.cc)
file(GLOB bpf_headers CONFIGURE_DEPENDS ${bpf_folder}/bpf/*.h ${bpf_folder}/*_shared.h)
set(bpf_strip ${CMAKE_COMMAND} -E true)
if(BPF_STRIP)
  set(bpf_strip ${BPF_STRIP} -g ${bpf_object})
endif()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(
  OUTPUT ${bpf_source}
  COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
          -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -c ${bpf_folder}/bpf/datapath.bpf.c -o ${bpf_object}
  COMMAND ${bpf_strip}
  COMMAND ${CMAKE_SOURCE_DIR}/tools/embed ${bpf_object} ${bpf_source} datapath/ebpf/object.h weft::datapath::ebpf object_file
  DEPENDS ${bpf_folder}/bpf/datapath.bpf.c ${bpf_headers} ${CMAKE_SOURCE_DIR}/tools/embed
  COMMENT "Programs for the kernel")
target_sources(weft_datapath PRIVATE ${bpf_source})
