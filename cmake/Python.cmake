# SPDX-License-Identifier: MIT
# Owns: what the build knows about the CPython it is built for. It is asked at configure time; nothing is guessed.
#
# In:  MARTLET_PYTHON              path of a CPython 3.13 executable
# Out: MARTLET_PYTHON_INCLUDE      list of include folders (Python.h)
#      MARTLET_PYTHON_SOABI        for example cpython-313-x86_64-linux-gnu
#      MARTLET_PYTHON_EXT_SUFFIX   for example .cpython-313-x86_64-linux-gnu.so
#      MARTLET_PYTHON_VERSION      for example 3.13.5

set(MARTLET_PYTHON "" CACHE FILEPATH "The CPython 3.13 executable to build for (default: python3.13 on PATH)")
if(NOT MARTLET_PYTHON)
  find_program(MARTLET_PYTHON_FOUND python3.13 REQUIRED)
  set(MARTLET_PYTHON "${MARTLET_PYTHON_FOUND}" CACHE FILEPATH "The CPython 3.13 executable to build for" FORCE)
endif()

set(_martlet_query [=[
import platform, sys, sysconfig
print(sysconfig.get_path("include"))
print(sysconfig.get_path("platinclude"))
print(sysconfig.get_config_var("SOABI") or "")
print(sysconfig.get_config_var("EXT_SUFFIX"))
print(sys.implementation.name)
print("%d.%d" % sys.version_info[:2])
print("%d.%d.%d" % sys.version_info[:3])
print(sysconfig.get_config_var("Py_GIL_DISABLED") or 0)
]=])
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env --unset=PYTHONPATH --unset=MARTLET "${MARTLET_PYTHON}" -I -c "${_martlet_query}"
  OUTPUT_VARIABLE _martlet_answer OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" _martlet_answer "${_martlet_answer}")
list(GET _martlet_answer 0 _martlet_include)
list(GET _martlet_answer 1 _martlet_platinclude)
list(GET _martlet_answer 2 MARTLET_PYTHON_SOABI)
list(GET _martlet_answer 3 MARTLET_PYTHON_EXT_SUFFIX)
list(GET _martlet_answer 4 _martlet_implementation)
list(GET _martlet_answer 5 _martlet_minor)
list(GET _martlet_answer 6 MARTLET_PYTHON_VERSION)
list(GET _martlet_answer 7 _martlet_free_threaded)
set(MARTLET_PYTHON_INCLUDE "${_martlet_include}" "${_martlet_platinclude}")
list(REMOVE_DUPLICATES MARTLET_PYTHON_INCLUDE)

if(NOT _martlet_implementation STREQUAL "cpython" OR NOT _martlet_minor STREQUAL "3.13")
  message(FATAL_ERROR "${MARTLET_PYTHON} is ${_martlet_implementation} ${_martlet_minor}; Martlet needs CPython 3.13")
endif()
if(_martlet_free_threaded STREQUAL "1")
  message(FATAL_ERROR "${MARTLET_PYTHON} is a free-threaded build; Martlet needs the default build with a GIL")
endif()
foreach(_martlet_header Python.h internal/pycore_frame.h)
  if(NOT EXISTS "${_martlet_include}/${_martlet_header}")
    message(FATAL_ERROR "${_martlet_include}/${_martlet_header} is missing: install the headers of this Python")
  endif()
endforeach()
message(STATUS "CPython ${MARTLET_PYTHON_VERSION}: ${MARTLET_PYTHON} (${MARTLET_PYTHON_SOABI}), headers in ${_martlet_include}")
