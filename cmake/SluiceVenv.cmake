# The project's private virtual environment, which scripts/setup makes: pyarrow, whose wheel holds Arrow
# (FindArrow), and what the Python package is built and tested with (SluicePython).
#   SLUICE_VENV   its folder (default: build/venv in the source tree, or $SLUICE_VENV)
if(DEFINED ENV{SLUICE_VENV})
  set(_sluice_venv_default $ENV{SLUICE_VENV})
else()
  set(_sluice_venv_default ${CMAKE_SOURCE_DIR}/build/venv)
endif()
set(SLUICE_VENV ${_sluice_venv_default} CACHE PATH "Virtual environment that holds the pyarrow wheel")
