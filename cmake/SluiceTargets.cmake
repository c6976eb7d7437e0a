# How every target of this project is compiled. One function per kind of target, so that a flag is
# written once.

add_library(sluice_flags INTERFACE)
target_compile_options(sluice_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wpedantic -Werror)
# GCC 12 sees overlapping copies inside std::string's operator+ that are not there (PR 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(sluice_flags INTERFACE -Wno-restrict)
endif()
# oneDNN and OpenMP products must not be re-associated behind our back: no fast-math, but contraction
# to FMA is allowed, and the baseline is the x86-64-v3 that every server since 2015 has.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(SLUICE_MARCH "x86-64-v3" CACHE STRING "Baseline instruction set (-march)")
else()
  set(SLUICE_MARCH "native" CACHE STRING "Baseline instruction set (-march)")
endif()
target_compile_options(sluice_flags INTERFACE -march=${SLUICE_MARCH} -fno-math-errno -fno-trapping-math)
if(SLUICE_SANITIZE)
  target_compile_options(sluice_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(sluice_flags INTERFACE -fsanitize=address,undefined)
endif()

# sluice_module(NAME rank... LIBS lib...): static library sluice_NAME from host/NAME/*.cpp.
function(sluice_module name)
  cmake_parse_arguments(ARG "" "" "USES;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/host/${name}/*.cpp)
  add_library(sluice_${name} STATIC ${sources})
  target_include_directories(sluice_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include
    PRIVATE ${CMAKE_SOURCE_DIR}/host)
  target_link_libraries(sluice_${name} PRIVATE sluice_flags ${ARG_LIBS})
  foreach(used IN LISTS ARG_USES)
    target_link_libraries(sluice_${name} PUBLIC sluice_${used})
  endforeach()
endfunction()

# Says at configure time whether the CUDA engine is built. Nothing under include/ or host/ knows.
function(sluice_find_cuda)
  set(SLUICE_HAVE_CUDA OFF PARENT_SCOPE)
  if(NOT SLUICE_CUDA)
    message(STATUS "Sluice: CPU engine only (SLUICE_CUDA is OFF)")
    return()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER AND EXISTS ${CMAKE_SOURCE_DIR}/cuda/CMakeLists.txt)
    message(STATUS "Sluice: CUDA compiler ${CMAKE_CUDA_COMPILER}")
    set(SLUICE_HAVE_CUDA ON PARENT_SCOPE)
  elseif(CMAKE_CUDA_COMPILER)
    message(STATUS "Sluice: CPU engine only (a CUDA compiler is here, but this version has no CUDA engine yet)")
  else()
    message(STATUS "Sluice: CPU engine only (no CUDA compiler found; set CMAKE_CUDA_COMPILER if there is one)")
  endif()
endfunction()
