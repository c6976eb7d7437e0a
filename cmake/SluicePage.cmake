# Puts the files that the HTML report is made of into a source: our own beside host/run/report/html/, and
# dygraphs as the distribution packages it (libjs-dygraphs), whose licence travels with it.
#
# sluice_page_assets(VARIABLE): leaves the path of the source in VARIABLE.
find_file(SLUICE_DYGRAPHS_SCRIPT dygraph.min.js PATH_SUFFIXES javascript/dygraphs PATHS /usr/share)
find_file(SLUICE_DYGRAPHS_STYLE dygraph.css PATH_SUFFIXES javascript/dygraphs PATHS /usr/share)
find_file(SLUICE_DYGRAPHS_LICENCE copyright PATHS /usr/share/doc/libjs-dygraphs NO_DEFAULT_PATH)

function(sluice_page_assets variable)
  foreach(file IN ITEMS SCRIPT STYLE LICENCE)
    if(NOT SLUICE_DYGRAPHS_${file})
      message(FATAL_ERROR "dygraphs, which draws the HTML report's charts, was not found: install libjs-dygraphs "
        "(scripts/setup does), or set SLUICE_DYGRAPHS_SCRIPT, _STYLE and _LICENCE to its dygraph.min.js, dygraph.css "
        "and licence")
    endif()
  endforeach()
  set(folder ${CMAKE_SOURCE_DIR}/host/run/report/html)
  set(assets
    kDygraphsScript ${SLUICE_DYGRAPHS_SCRIPT} kDygraphsStyle ${SLUICE_DYGRAPHS_STYLE}
    kDygraphsLicence ${SLUICE_DYGRAPHS_LICENCE} kPageStyle ${folder}/page.css kPageWords ${folder}/words.js
    kPageCharts ${folder}/charts.js kPageScript ${folder}/page.js)
  set(source "#include \"run/report/html/assets.hpp\"\n\nnamespace sluice::html {\n\n")
  while(assets)
    list(POP_FRONT assets name file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    # A map of the minified source that is not there would be asked for by a browser's tools.
    string(REGEX REPLACE "//# sourceMappingURL=[^\n]*" "" text "${text}")
    string(FIND "${text}" "</script" ends_script)
    if(NOT ends_script EQUAL -1)
      message(FATAL_ERROR "${file} holds '</script', which would end the page's script there")
    endif()
    string(APPEND source "const std::string_view ${name} = R\"asset(${text})asset\";\n\n")
  endwhile()
  string(APPEND source "}  // namespace sluice::html\n")
  set(path ${CMAKE_CURRENT_BINARY_DIR}/page_assets.cpp)
  # Not by file(CONFIGURE), which would take an @word@ of a script for a variable. Only where it differs.
  set(before "")
  if(EXISTS ${path})
    file(READ ${path} before)
  endif()
  if(NOT before STREQUAL source)
    file(WRITE ${path} "${source}")
  endif()
  # Longer than the standard asks a compiler to take, which clang says.
  set_source_files_properties(${path} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  set(${variable} ${path} PARENT_SCOPE)
endfunction()
