# Compiler, linker and the flags that every target shares.  The presets take clang 16 (docs/decisions/0008-compiler.md); g++
# compiles the tree as well.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1")
set(CMAKE_C_FLAGS_DEV "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g0")

option(WEFT_FUZZ "Build the libFuzzer targets" OFF)
if(WEFT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # so that the fuzzer sees which code an input reaches
endif()
set(WEFT_SANITIZE "" CACHE STRING "Sanitizers, comma separated (address,undefined or thread)")
if(WEFT_SANITIZE)
  set(CMAKE_CXX_FLAGS_DEV "-O0 -g1")  # optimising code full of checks takes twice as long as making it
  # Null pointers are found without a check of their own, which would be a fifth of the code.
  add_compile_options(-fsanitize=${WEFT_SANITIZE} -fno-sanitize=null,vptr,object-size -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WEFT_SANITIZE})
endif()

# Warnings are errors, but for those that g++ finds by following values through inlined code: which of them it sees, and
# which are not there at all (GCC bug 105651), changes with optimisation and sanitizers.
set(flow_warnings maybe-uninitialized restrict stringop-overflow stringop-overread array-bounds dangling-pointer
    use-after-free free-nonheap-object nonnull null-dereference uninitialized format-truncation format-overflow
    stringop-truncation aggressive-loop-optimizations mismatched-new-delete)
list(TRANSFORM flow_warnings PREPEND -Wno-error=)
add_compile_options(-Wall -Wextra -Werror "$<$<CXX_COMPILER_ID:GNU>:${flow_warnings}>" -Wno-missing-field-initializers
                    -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
                    -fno-strict-aliasing)  # flow keys are compared, masked and hashed as words (packet/flow.h)

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  # With precompiled headers ccache asks for the first (its manual, "Precompiled headers"); the other spares a cold build
  # the preprocessing of every source once more.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_DEPEND=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>
                      "$<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()
# g++ collects its garbage whenever its memory has grown by a third; with a precompiled header of 100 MB that is all the time.
add_compile_options("$<$<COMPILE_LANG_AND_ID:CXX,GNU>:SHELL:--param ggc-min-heapsize=500000>")
