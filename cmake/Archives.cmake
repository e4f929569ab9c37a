# Links archives in place of shared libraries, where that lets a command start sooner (docs/decisions/0128).
#
#     find_package(absl REQUIRED)
#     find_package(OpenSSL REQUIRED)
#     pkg_check_modules(LIBEVENT ...), pkg_check_modules(CAPNG ...)
#     weft_link_archives()
#
# Debian's Abseil comes as some sixty small libraries, thirty of which a program that has a hash map depends on: to find,
# map and relocate them took two thirds of the time in which a command like `ovs-vsctl` starts (11 ms of processor time
# with them, 4 ms without).  OpenSSL takes some thousand symbols and 120 pages to relocate, which is a third of what is
# left, whether or not the command speaks TLS.  libevent's part for OpenSSL would load it as well.
option(WEFT_SHARED_OPENSSL "Link OpenSSL's shared libraries, so that their updates need no new build of Weft" OFF)

function(weft_link_archives)
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
  weft_archives_of(PkgConfig::CAPNG)
  if(WEFT_SHARED_OPENSSL)
    return()
  endif()
  foreach(target OpenSSL::Crypto OpenSSL::SSL)
    get_target_property(location ${target} IMPORTED_LOCATION)
    weft_archive_of(location "${location}")
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${location}")
  endforeach()
  weft_archives_of(PkgConfig::LIBEVENT OpenSSL::SSL OpenSSL::Crypto)
endfunction()

# Of TARGET's libraries the archives, which need MORE.
function(weft_archives_of target)
  get_target_property(libraries ${target} INTERFACE_LINK_LIBRARIES)
  set(archives "")
  foreach(library IN LISTS libraries)
    weft_archive_of(library "${library}")
    list(APPEND archives "${library}")
  endforeach()
  set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${archives};${ARGN}")
endfunction()

# LIBRARY's archive, if there is one, otherwise LIBRARY itself.
function(weft_archive_of out library)
  string(REGEX REPLACE "\\.so(\\..*)?$" ".a" archive "${library}")
  if(EXISTS "${archive}")
    set(library "${archive}")
  endif()
  set(${out} "${library}" PARENT_SCOPE)
endfunction()
