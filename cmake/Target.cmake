# SPDX-License-Identifier: MIT
# Owns: compiler settings of our targets. They are set per target, so that a dependency never inherits our warnings.

option(MARTLET_WERROR "Treat warnings as errors" OFF)
set(MARTLET_SANITIZE "" CACHE STRING "Sanitizers to build with, for example address,undefined")

# martlet_target(<name>): call once for each target right after add_library / add_executable.
function(martlet_target name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  set_target_properties(${name} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${name} PRIVATE -Wall -Wextra $<$<BOOL:${MARTLET_WERROR}>:-Werror>)
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  if(MARTLET_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${MARTLET_SANITIZE} -fno-sanitize-recover=undefined
      -fno-omit-frame-pointer)
    get_target_property(_kind ${name} TYPE)
    target_link_options(${name} PRIVATE -fsanitize=${MARTLET_SANITIZE})
    # An extension module is loaded into a python without the sanitizer runtime: it has to share the preloaded one.
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND _kind STREQUAL "MODULE_LIBRARY")
      target_link_options(${name} PRIVATE -shared-libsan)
    endif()
  endif()
endfunction()

# martlet_python_target(<name>): also sees Python.h (system headers: their warnings are not ours).
function(martlet_python_target name)
  target_include_directories(${name} SYSTEM PUBLIC ${MARTLET_PYTHON_INCLUDE})
endfunction()
