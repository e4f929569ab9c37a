# weft_module(NAME [DEPS module...] [LIBS target...] [PRIVATE_LIBS target...] [PRECOMPILE header...])
#
# One folder src/NAME is one library weft_NAME: every .cc below it, except *_test.cc, which make
# the test program weft_NAME_test (label NAME), and *_fuzz.cc, each a libFuzzer program.  A folder without sources
# yet is an interface library, so that the map can be complete from the first day.  The release build is what is installed
# and has no unit tests: they run in the others, above all under the sanitizers.
#
# PRECOMPILE: headers that most of the module's sources read and that cost much to parse.  They are parsed once for the
# module, together with those of cmake/precompiled.h.  A source still includes what it uses.
add_custom_target(unit_tests)  # all of them

# What nearly every source includes is parsed once: cmake/precompiled.h for the modules without a list of their own,
# precompiled_test.h for their test programs.  (A file for each, since a precompiled header belongs to a target.)
function(weft_precompiled name header)
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled/${name}.cc "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/precompiled/${name}.cc)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/cmake)
  target_link_libraries(${name} PRIVATE fmt::fmt absl::flat_hash_map absl::hash Threads::Threads ${ARGN})
  # In angle brackets, so that what is made does not know where the checkout lies.
  target_precompile_headers(${name} PRIVATE <${header}>)
endfunction()

# weft_precompile(TARGET SHARED HEADERS): with no HEADERS the target takes what weft_precompiled(SHARED …) made, otherwise
# it gets a precompiled header of its own, of the shared one's file and HEADERS.
function(weft_precompile target shared headers)
  if(headers)
    get_target_property(file ${shared} PRECOMPILE_HEADERS)
    list(TRANSFORM headers REPLACE "(.+)" "<\\1>")
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake)
    target_precompile_headers(${target} PRIVATE ${file} ${headers})
  else()
    target_precompile_headers(${target} REUSE_FROM ${shared})
  endif()
endfunction()

function(weft_module name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS;PRIVATE_LIBS;PRECOMPILE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
  list(TRANSFORM arg_DEPS PREPEND weft_)
  if(sources)
    add_library(weft_${name} STATIC ${sources})
    target_include_directories(weft_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(weft_${name} PUBLIC ${arg_DEPS} ${arg_LIBS} PRIVATE ${arg_PRIVATE_LIBS})
    weft_precompile(weft_${name} weft_precompiled "${arg_PRECOMPILE}")
  else()
    add_library(weft_${name} INTERFACE)
    target_include_directories(weft_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(weft_${name} INTERFACE ${arg_DEPS} ${arg_LIBS})
  endif()
  if(tests AND NOT CMAKE_BUILD_TYPE STREQUAL Release)
    add_executable(weft_${name}_test ${tests})
    target_link_libraries(weft_${name}_test PRIVATE weft_${name} GTest::gtest GTest::gtest_main)
    weft_precompile(weft_${name}_test weft_precompiled_test "${arg_PRECOMPILE}")
    set_target_properties(weft_${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_dependencies(unit_tests weft_${name}_test)
    add_test(NAME unit.${name} COMMAND weft_${name}_test)
    set_tests_properties(unit.${name} PROPERTIES LABELS "unit;${name}" TIMEOUT 600)
  endif()
  if(WEFT_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_link_libraries(${target} PRIVATE weft_${name})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    endforeach()
  endif()
endfunction()
