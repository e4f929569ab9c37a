# Links Abseil's archives in place of its shared libraries.
#
# Debian's Abseil comes as some sixty small libraries, thirty of which a program that has a hash map depends on: to find,
# map and relocate them took two thirds of the time in which a command like `ovs-vsctl` starts (11 ms of processor time
# with them, 4 ms without).
#
#     find_package(absl REQUIRED)
#     weft_static_absl()

function(weft_static_absl)
  get_directory_property(targets IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(location ${target} IMPORTED_LOCATION_NONE)
    if(NOT location MATCHES "^(.*/libabsl_[a-z0-9_]+)\\.so(\\..*)?$")
      continue()
    endif()
    if(NOT EXISTS "${CMAKE_MATCH_1}.a")
      message(STATUS "${CMAKE_MATCH_1}.a is not there: commands start with the shared library, and later")
      continue()
    endif()
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION_NONE "${CMAKE_MATCH_1}.a" IMPORTED_SONAME_NONE "")
  endforeach()
endfunction()
