/* Complex Langevin dynamics of one variable in plain C: S = a z^2 + b z^4, real noise, Euler-Maruyama.
 *
 * One thread, one chain, double precision. Random numbers: xoshiro256+ (D. Blackman, S. Vigna, ACM TOMS 47 (2021) 36),
 * seeded by splitmix64; normal ones in pairs by Box-Muller with the functions of libm.
 */
#include <math.h>

#include "xoshiro.h"

/* Uniform in (0, 1]. */
static inline double rng_uniform(rng_t *rng)
{
    return (double)((rng_bits(rng) >> 11) + 1) * 0x1p-53;
}

/* Make `updates` steps, an even number, from z = (re, im); sums[0..1] becomes the sum of z^2 over them. */
void cle_run(double *z, const double *couplings, double step, long updates, uint64_t seed, double *sums)
{
    const double a = 2 * couplings[0], b = 2 * couplings[1], c = 4 * couplings[2], d = 4 * couplings[3];
    const double width = sqrt(2 * step);
    double x = z[0], y = z[1], noise[2];
    rng_t rng;

    rng_seed(&rng, seed);
    sums[0] = sums[1] = 0;
    for (long u = 0; u < updates; u += 2) {
        const double radius = width * sqrt(-2 * log(rng_uniform(&rng)));
        const double angle = 6.283185307179586 * rng_uniform(&rng);

        noise[0] = radius * cos(angle);
        noise[1] = radius * sin(angle);
        for (int i = 0; i < 2; i++) {
            const double re = x * x - y * y, im = 2 * x * y; /* z^2 */
            const double p = a + c * re - d * im, q = b + c * im + d * re; /* S'/z */
            const double f = x * p - y * q, g = x * q + y * p;

            x += noise[i] - step * f;
            y -= step * g;
            sums[0] += x * x - y * y;
            sums[1] += 2 * x * y;
        }
    }
    z[0] = x;
    z[1] = y;
}
