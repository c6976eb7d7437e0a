// The program is the library's, so that there is one copy of everything.
#include "sluice/c_api.h"

int main(int argc, char** argv) { return sluice_main(argc, argv); }
