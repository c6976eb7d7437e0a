# `cmake --build BUILD --target bundle`: BUILD/bundle, a folder that can be copied to a host without
# network or compilers: programs (stripped), tests, scripts, and in lib/ the shared libraries that they
# need except those of glibc, of the driver, of cuBLAS and of cuDNN, which the host has. scripts/bundle
# makes one file of it.
#
# None of it belongs to an installation (SluiceInstall), which the same programs find their libraries from.
#
# DT_RPATH rather than DT_RUNPATH: it also holds for what a library in lib/ needs itself (libdnnl needs
# libOpenCL), which RUNPATH does not.
set(programs "")
foreach(program IN ITEMS sluice sluice-bench sluice_gpu_test)
  if(TARGET ${program})
    list(APPEND programs ${program})
  endif()
endforeach()
set(cuda "")
if(SLUICE_HAVE_CUDA)
  set(cuda /usr/local/cuda/lib64 /usr/local/cuda/lib)
endif()
set_target_properties(${programs} PROPERTIES
  INSTALL_RPATH "$ORIGIN/lib;$ORIGIN/../${CMAKE_INSTALL_LIBDIR};${cuda}")
set(libraries "")
if(TARGET sluice_library)
  set(libraries sluice_library)
  # What it needs lies beside it in a bundle, in a folder of its own in an installation. In a wheel it is
  # pyarrow that has Arrow: python/CMakeLists.txt.
  if(NOT DEFINED SKBUILD)
    set_target_properties(sluice_library PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/sluice;${cuda}")
  endif()
endif()
if(SLUICE_HAVE_CUDA)
  get_target_property(folders sluice_cuda SLUICE_LIBRARY_FOLDERS)
  set_target_properties(${programs} ${libraries} PROPERTIES BUILD_RPATH "${folders}")
endif()
foreach(program IN LISTS programs libraries)
  target_link_options(${program} PRIVATE -Wl,--disable-new-dtags)
endforeach()

# What gpu_check compares the host's driver and card with.
if(SLUICE_HAVE_CUDA)
  list(JOIN SLUICE_CUDA_ARCHITECTURES "\", \"" architectures)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/build.json
    CONTENT "{\"cuda\": \"${CMAKE_CUDA_COMPILER_VERSION}\", \"architectures\": [\"${architectures}\"]}\n")
  install(FILES ${CMAKE_BINARY_DIR}/build.json DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)
endif()

install(TARGETS ${programs} ${libraries} RUNTIME_DEPENDENCY_SET bundle_libraries
  RUNTIME DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL
  LIBRARY DESTINATION lib COMPONENT bundle EXCLUDE_FROM_ALL NAMELINK_SKIP)
install(RUNTIME_DEPENDENCY_SET bundle_libraries
  PRE_EXCLUDE_REGEXES
    "^lib(c|m|dl|rt|pthread|util|resolv|anl|mvec)\\.so" "^ld-linux"
    "^lib(cuda|cublas|cublasLt|nvrtc|nvJitLink|nvidia-.*)\\.so" "^libcudnn"
  LIBRARY DESTINATION lib COMPONENT bundle EXCLUDE_FROM_ALL)
install(PROGRAMS ${CMAKE_SOURCE_DIR}/scripts/gpu_check DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/scripts/gpu DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL
  FILES_MATCHING PATTERN "*.py" PATTERN "__pycache__" EXCLUDE)
install(PROGRAMS ${CMAKE_SOURCE_DIR}/benchmarks/peers/pytorch_lstm.py DESTINATION peers COMPONENT bundle EXCLUDE_FROM_ALL)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/configs DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/THIRD_PARTY.md
  DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)
install(FILES ${SLUICE_SBOM} DESTINATION . COMPONENT bundle EXCLUDE_FROM_ALL)
install(FILES ${SLUICE_LICENCES} DESTINATION licences COMPONENT bundle EXCLUDE_FROM_ALL)
install(FILES ${SLUICE_ARROW_LICENCES} DESTINATION licences/arrow COMPONENT bundle EXCLUDE_FROM_ALL)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/bundle-README.md DESTINATION . RENAME README.md COMPONENT bundle EXCLUDE_FROM_ALL)
install(CODE "
  execute_process(COMMAND git -C \"${CMAKE_SOURCE_DIR}\" describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  file(WRITE \"\${CMAKE_INSTALL_PREFIX}/COMMIT\" \"\${commit}\\n\")" COMPONENT bundle EXCLUDE_FROM_ALL)

set(bundle ${CMAKE_BINARY_DIR}/bundle)
add_custom_target(bundle
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${bundle}
  COMMAND ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --component bundle --prefix ${bundle} --strip
  DEPENDS ${programs} ${libraries}
  COMMENT "Bundle in ${bundle}"
  VERBATIM)
