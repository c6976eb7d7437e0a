/* Writes a made-up catalogue to argv[1] through the library, and says which version did. */
#include <sluice/c_api.h>
#include <stdio.h>
#include <string.h>

#ifndef FOUND_VERSION /* built with pkg-config */
#define FOUND_VERSION sluice_version()
#endif

int main(int argc, char** argv) {
  sluice_error* error = NULL;
  if (argc != 2) return 2;
  if (strcmp(sluice_version(), FOUND_VERSION) != 0) {
    fprintf(stderr, "found %s, loaded %s\n", FOUND_VERSION, sluice_version());
    return 1;
  }
  if (sluice_simulate(argv[1], 1, 2, 30, 7, &error) != SLUICE_OK) {
    fprintf(stderr, "%s\n", sluice_error_message(error));
    sluice_error_free(error);
    return 3;
  }
  printf("%s %d\n", sluice_version(), sluice_api_version());
  return 0;
}
