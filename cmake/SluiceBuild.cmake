# What a program says that it was built from (host/base/build.hpp): version, commit, compiler. The commit is
# asked for at each build, by this file as a script; build.cpp is written anew only where its text changes.
#   SLUICE_COMMIT   the commit, where the sources have no .git (a package's build); empty: git is asked
if(CMAKE_SCRIPT_MODE_FILE)
  if(NOT SLUICE_COMMIT)
    set(SLUICE_COMMIT unknown)
    # Sources inside of another repository are not of its commit.
    if(EXISTS ${SOURCE}/.git)
      execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
        OUTPUT_VARIABLE commit RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
      if(failed EQUAL 0)
        set(SLUICE_COMMIT ${commit})
      endif()
    endif()
  endif()
  configure_file(${SOURCE}/cmake/build.cpp.in ${OUTPUT} @ONLY)
  return()
endif()

set(SLUICE_COMMIT "" CACHE STRING "Commit that the sources are of, where they have no .git; empty: git is asked")
# sluice_build(NAME): static library sluice_NAME, which defines kBuild.
function(sluice_build name)
  set(written ${CMAKE_BINARY_DIR}/build.cpp)
  add_custom_target(sluice_${name}_text BYPRODUCTS ${written}
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${CMAKE_SOURCE_DIR} -D OUTPUT=${written} -D SLUICE_VERSION=${PROJECT_VERSION}
      -D SLUICE_COMMIT=${SLUICE_COMMIT} "-DSLUICE_COMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
      -D SLUICE_TYPE=$<CONFIG> -D SLUICE_MARCH=${SLUICE_MARCH}
      -P ${CMAKE_SOURCE_DIR}/cmake/SluiceBuild.cmake
    COMMENT "Which commit this is" VERBATIM)
  sluice_module(${name} SOURCES ${written})
  add_dependencies(sluice_${name} sluice_${name}_text)
endfunction()
