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
elseif(CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  # "native" is unknown to a cross compiler. With AES, as every server has it: Highway's NEON asks for it,
  # and a struct of its vectors does not compile where the baseline has less.
  set(SLUICE_MARCH "armv8-a+crypto" CACHE STRING "Baseline instruction set (-march)")
else()
  set(SLUICE_MARCH "native" CACHE STRING "Baseline instruction set (-march)")
endif()
target_compile_options(sluice_flags INTERFACE -march=${SLUICE_MARCH} -fno-math-errno -fno-trapping-math)
if(SLUICE_SANITIZE)
  target_compile_options(sluice_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(sluice_flags INTERFACE -fsanitize=address,undefined)
endif()
if(SLUICE_TSAN)
  if(SLUICE_SANITIZE OR NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SLUICE_TSAN: needs clang, without SLUICE_SANITIZE: what gcc's OpenMP waits for is not seen")
  endif()
  target_compile_options(sluice_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer -Wno-pass-failed)
  target_link_options(sluice_flags INTERFACE -fsanitize=thread)
endif()
# Of shared libraries. With clang the sanitizers' functions are the program's.
set(SLUICE_NO_UNDEFINED -Wl,--no-undefined)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND (SLUICE_SANITIZE OR SLUICE_TSAN))
  set(SLUICE_NO_UNDEFINED)
endif()
if(SLUICE_FUZZ)
  # Loops that are to be vectorised are not where addresses are checked.
  target_compile_options(sluice_flags INTERFACE -fsanitize=fuzzer-no-link -Wno-pass-failed)
endif()

# sluice_module(NAME SOURCES file... USES module... LIBS lib...): static library sluice_NAME.
function(sluice_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBS" ${ARGN})
  add_library(sluice_${name} STATIC ${ARG_SOURCES})
  target_include_directories(sluice_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include
    PRIVATE ${CMAKE_SOURCE_DIR}/host)
  target_link_libraries(sluice_${name} PRIVATE sluice_flags ${ARG_LIBS})
  foreach(used IN LISTS ARG_USES)
    target_link_libraries(sluice_${name} PUBLIC sluice_${used})
  endforeach()
endfunction()

# Leaves one of the sources fused/bf16/*.cpp in the list named `variable`: the one for compilers that know
# x86's bf16 dot products, or the one that has none.
include(CheckCXXSourceCompiles)
function(sluice_choose_bf16 variable)
  check_cxx_source_compiles("#include <immintrin.h>
    #pragma GCC target(\"avx512f,avx512bf16\")
    __m512 add(__m512 sum, __m512bh a) { return _mm512_dpbf16_ps(sum, a, a); }
    int main() {}" SLUICE_HAVE_X86_BF16)
  set(other x86)
  if(SLUICE_HAVE_X86_BF16)
    set(other none)
  endif()
  list(FILTER ${variable} EXCLUDE REGEX "/bf16/${other}\\.cpp$")
  set(${variable} "${${variable}}" PARENT_SCOPE)
endfunction()

# How device code is compiled: 8.0 (A100) and 9.0a (Hopper, with its own instructions) as machine code,
# and PTX for what is newer; or for the architectures asked for.
set(SLUICE_CUDA_ARCHITECTURES "80-real;90a-real;90-virtual" CACHE STRING
  "CUDA architectures of the device code, as CMake's CUDA_ARCHITECTURES names them; 90a-real builds for Hopper alone")
function(sluice_device_code target)
  set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES "${SLUICE_CUDA_ARCHITECTURES}")
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:$<TARGET_PROPERTY:sluice_flags,INTERFACE_COMPILE_OPTIONS>>
    $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr --extra-device-vectorization
      -Werror=all-warnings -Xcompiler=-Wall,-Wextra,-Wshadow>)
endfunction()

# Says at configure time whether the CUDA engine is built, and readies the language. A macro, so that
# what enable_language sets reaches the caller. Nothing under include/ or host/ knows.
macro(sluice_find_cuda)
  set(SLUICE_HAVE_CUDA OFF)
  if(NOT SLUICE_CUDA)
    message(STATUS "Sluice: CPU engine only (SLUICE_CUDA is OFF)")
  else()
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
      enable_language(CUDA)
      # CMake before 3.26 does not know that CUDA has C++20.
      if(CMAKE_VERSION VERSION_LESS 3.26 AND NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
        set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
        set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
      endif()
      set(CMAKE_CUDA_STANDARD 20)
      set(CMAKE_CUDA_STANDARD_REQUIRED ON)
      set(CMAKE_CUDA_EXTENSIONS OFF)
      message(STATUS "Sluice: CUDA compiler ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}")
      set(SLUICE_HAVE_CUDA ON)
    else()
      message(STATUS "Sluice: CPU engine only (no CUDA compiler found; set CMAKE_CUDA_COMPILER if there is one)")
    endif()
  endif()
endmacro()

# Says at configure time whether training can be shared out among processes: SLUICE_HAVE_MPI. A macro, so
# that what find_package sets reaches the caller.
macro(sluice_find_mpi)
  set(SLUICE_HAVE_MPI OFF)
  if(NOT SLUICE_MPI STREQUAL OFF AND NOT SLUICE_GPU_ONLY)
    set(MPI_CXX_SKIP_MPICXX ON)
    find_package(MPI COMPONENTS CXX QUIET)
    set(SLUICE_HAVE_MPI ${MPI_CXX_FOUND})
    if(NOT MPI_CXX_FOUND AND NOT SLUICE_MPI STREQUAL AUTO)
      message(FATAL_ERROR "SLUICE_MPI is ${SLUICE_MPI} and no MPI was found (Debian: libopenmpi-dev openmpi-bin); "
        "set MPI_HOME, or SLUICE_MPI=OFF")
    endif()
  endif()
  if(SLUICE_HAVE_MPI)
    message(STATUS "Sluice: several processes by MPI ${MPI_CXX_VERSION} (${MPIEXEC_EXECUTABLE})")
  else()
    message(STATUS "Sluice: one process (no MPI, or SLUICE_MPI is OFF)")
  endif()
endmacro()
