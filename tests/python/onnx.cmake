# Graphs of ONNX and weights for PyTorch. They need packages of python/requirements-onnx.txt in SLUICE_ONNX_PYTHON;
# without them CTest says so and skips.
find_program(_sluice_venv_python python PATHS ${SLUICE_VENV}/bin NO_DEFAULT_PATH NO_CACHE)
if(NOT _sluice_venv_python)
  set(_sluice_venv_python ${Python3_EXECUTABLE})
endif()
set(SLUICE_ONNX_PYTHON ${_sluice_venv_python} CACHE FILEPATH
  "The Python that has the packages of python/requirements-onnx.txt")
foreach(name onnx onnx_configs torch_weights)
  add_test(NAME python.${name}
    COMMAND ${SLUICE_ONNX_PYTHON} -B -m unittest discover -v -s ${CMAKE_CURRENT_SOURCE_DIR}/python -p ${name}_test.py)
  set_tests_properties(python.${name} PROPERTIES LABELS onnx TIMEOUT 900
    SKIP_REGULAR_EXPRESSION "pip install -r python/requirements-onnx.txt"
    ENVIRONMENT "SLUICE_PROGRAM=$<TARGET_FILE:sluice>;OMP_WAIT_POLICY=passive")
endforeach()
