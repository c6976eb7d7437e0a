# Whether the Python package is built: SLUICE_PYTHON ON, OFF, or AUTO: where an interpreter of Python 3.10 or
# newer is there with its headers, nanobind and pyarrow. The interpreter is that of the private virtual
# environment (scripts/setup), else the first one; pip's build names its own.
set(SLUICE_PYTHON AUTO CACHE STRING "Build the Python package: ON, OFF or AUTO")
set(SLUICE_HAVE_PYTHON OFF)
if(SLUICE_PYTHON STREQUAL "OFF" OR SLUICE_GPU_ONLY)
  return()
endif()
# Sanitizers' code must be the first that a process loads, and another machine's Python is not here.
if(SLUICE_PYTHON STREQUAL "AUTO" AND (SLUICE_SANITIZE OR CMAKE_CROSSCOMPILING))
  message(STATUS "Python package: left out of a build with sanitizers or for another machine")
  return()
endif()
if(NOT DEFINED Python_EXECUTABLE AND EXISTS ${SLUICE_VENV}/bin/python)
  set(Python_EXECUTABLE ${SLUICE_VENV}/bin/python)
endif()
# The second component is named by pip's build where the wheel is to have the stable ABI.
find_package(Python 3.10 COMPONENTS Interpreter Development.Module ${SKBUILD_SABI_COMPONENT})
if(Python_FOUND)
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import nanobind, pyarrow; print(pyarrow.__version__, pyarrow.__path__[0], sep=';')"
    OUTPUT_VARIABLE pyarrow OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE missing ERROR_VARIABLE why)
  if(missing EQUAL 0)
    list(POP_FRONT pyarrow pyarrow_version)
    string(REGEX MATCH "^[0-9]+" SLUICE_PYARROW_MAJOR "${pyarrow_version}")
    set(SLUICE_HAVE_PYTHON ON)
    # It decides which Arrow the library is built with, too: a process cannot hold two.
    set(SLUICE_PYARROW_DIR ${pyarrow})
  endif()
else()
  set(why "no Python 3.10 or newer with its headers")
endif()
string(REGEX REPLACE ".*\n([^\n]+)\n?$" "\\1" why "${why}")
if(SLUICE_HAVE_PYTHON)
  message(STATUS "Python package: for ${Python_EXECUTABLE}, pyarrow ${pyarrow_version}")
elseif(SLUICE_PYTHON STREQUAL "AUTO")
  message(STATUS "Python package: left out (${why}); scripts/setup installs what it needs")
else()
  message(FATAL_ERROR "SLUICE_PYTHON is ON: ${why}; scripts/setup installs what it needs, but for Python's headers "
    "(Debian: python3-dev)")
endif()

# sluice_python_has(VARIABLE WHAT module...): whether Python has all modules that WHAT needs; says which is lacking.
function(sluice_python_has variable what)
  list(JOIN ARGN ", " modules)
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import ${modules}" RESULT_VARIABLE missing OUTPUT_QUIET ERROR_VARIABLE why)
  if(missing EQUAL 0)
    set(${variable} TRUE PARENT_SCOPE)
    return()
  endif()
  string(REGEX MATCH "[^\n]+\n?$" why "${why}")
  string(STRIP "${why}" why)
  message(STATUS "${what}: left out (${why}); scripts/setup installs what they need")
  set(${variable} FALSE PARENT_SCOPE)
endfunction()
