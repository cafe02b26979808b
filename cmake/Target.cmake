# SPDX-License-Identifier: MIT
# Owns: compiler settings of our targets. They are set per target, so that a dependency never inherits our warnings.

option(MARTLET_WERROR "Treat warnings as errors" OFF)
set(MARTLET_SANITIZE "" CACHE STRING "Sanitizers to build with, for example address,undefined")

# An extension module is loaded into a python without the sanitizer's runtime, which is preloaded there: modules and test
# programs share it, so it is found by its folder.
set(MARTLET_SANITIZE_LINK "")
if(MARTLET_SANITIZE)
  set(MARTLET_SANITIZE_LINK -fsanitize=${MARTLET_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    execute_process(
      COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libclang_rt.asan-${CMAKE_HOST_SYSTEM_PROCESSOR}.so
      OUTPUT_VARIABLE sanitizer_runtime OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    get_filename_component(sanitizer_folder "${sanitizer_runtime}" DIRECTORY)
    list(APPEND MARTLET_SANITIZE_LINK -shared-libsan "-Wl,-rpath,${sanitizer_folder}")
  endif()
endif()

# martlet_target(<name>): call once for each target right after add_library / add_executable.
function(martlet_target name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  # Nothing throws. CPython ends daemon threads by unwinding their stacks (pthread_exit): without the GIL, so no destructor
  # of ours may run on the way.
  target_compile_options(${name} PRIVATE -Wall -Wextra $<$<BOOL:${MARTLET_WERROR}>:-Werror> -fno-exceptions)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  if(MARTLET_SANITIZE)
    # Native code has no signature in front, where calls of functions by their addresses would look for one.
    target_compile_options(${name} PRIVATE -fsanitize=${MARTLET_SANITIZE} -fno-sanitize=function
      -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    target_link_options(${name} PRIVATE ${MARTLET_SANITIZE_LINK})
  endif()
endfunction()

# martlet_python_target(<name>): also sees Python.h (system headers: their warnings are not ours).
function(martlet_python_target name)
  target_include_directories(${name} SYSTEM PUBLIC ${MARTLET_PYTHON_INCLUDE})
endfunction()

# martlet_module(<name> <symbol> [link option…]): a shared object that exports one symbol and brings the C++ library along.
# With that as a shared object of its own, half of what enabling costs would be to relocate it, and each fork would copy
# its pages. Memory that one module allocates the other may free: both use the process's malloc.
function(martlet_module name symbol)
  set(exports ${CMAKE_CURRENT_BINARY_DIR}/${name}.exports)
  file(CONFIGURE OUTPUT ${exports} CONTENT "{ global: ${symbol}; local: *; };\n")
  set_target_properties(${name} PROPERTIES LINK_DEPENDS ${exports})
  target_link_options(${name} PRIVATE -fuse-ld=lld -Wl,--gc-sections -Wl,--version-script=${exports})
  if(NOT MARTLET_SANITIZE)  # whose runtime has to find the library's functions
    target_link_options(${name} PRIVATE -static-libstdc++ ${ARGN})
  endif()
endfunction()
