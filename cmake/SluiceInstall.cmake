# `cmake --install BUILD [--prefix PREFIX]`: program, library with what other projects need to use it
# (headers, pkg-config, find_package), settings, manual, completions. All of it can be moved: nothing
# has the prefix inside.
#
# Arrow, where it comes from the wheel, lies in a folder of its own beside the library, so that no
# other program meets it.
include(CMakePackageConfigHelpers)

install(TARGETS sluice RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS sluice_library EXPORT sluiceTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${SLUICE_ARROW_LIBRARIES} DESTINATION ${CMAKE_INSTALL_LIBDIR}/sluice)
install(FILES ${CMAKE_SOURCE_DIR}/include/sluice/arrow_c.h ${CMAKE_SOURCE_DIR}/include/sluice/c_api.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sluice)

# find_package(sluice): the target sluice::sluice.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/sluice)
set_target_properties(sluice_library PROPERTIES EXPORT_NAME sluice)
install(EXPORT sluiceTargets FILE sluiceTargets.cmake NAMESPACE sluice:: DESTINATION ${package_dir})
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/sluiceConfig.cmake @ONLY
  CONTENT "include(\${CMAKE_CURRENT_LIST_DIR}/sluiceTargets.cmake)\n")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sluiceConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sluiceConfig.cmake ${CMAKE_BINARY_DIR}/sluiceConfigVersion.cmake
  DESTINATION ${package_dir})

# pkg-config sluice
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/sluice.pc.in ${CMAKE_BINARY_DIR}/sluice.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/sluice.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/THIRD_PARTY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${SLUICE_SBOM} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES ${SLUICE_LICENCES} DESTINATION ${CMAKE_INSTALL_DOCDIR}/licences)
install(FILES ${SLUICE_ARROW_LICENCES} DESTINATION ${CMAKE_INSTALL_DOCDIR}/licences/arrow)
file(GLOB settings CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/configs/*.toml)
install(FILES ${settings} DESTINATION ${CMAKE_INSTALL_DATADIR}/sluice/configs)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples/c ${CMAKE_SOURCE_DIR}/examples/deploy
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# The program itself writes its manual and completions, so that they are of its parser.
if(CMAKE_CROSSCOMPILING)
  message(STATUS "Sluice: no manual and no completions, which the program of another machine would have to write")
  return()
endif()
set(pages ${CMAKE_BINARY_DIR}/pages)
set(completions "")
foreach(shell IN ITEMS bash zsh fish)
  add_custom_command(OUTPUT ${pages}/completion.${shell}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}
    COMMAND sluice completion ${shell} > ${pages}/completion.${shell}
    DEPENDS sluice sluice_library VERBATIM)
  list(APPEND completions ${pages}/completion.${shell})
endforeach()
add_custom_command(OUTPUT ${pages}/man/sluice.1
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${pages}/man
  COMMAND sluice manual --write ${pages}/man
  DEPENDS sluice sluice_library VERBATIM)
add_custom_target(pages ALL DEPENDS ${completions} ${pages}/man/sluice.1)
install(DIRECTORY ${pages}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${pages}/completion.bash RENAME sluice
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
# zsh's own folder, and the one that Debian's zsh looks into for packages.
install(FILES ${pages}/completion.zsh RENAME _sluice DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${pages}/completion.zsh RENAME _sluice DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${pages}/completion.fish RENAME sluice.fish
  DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
