// The texts of the Try tab: key: [English, Chinese]. Keys begin with "try_".

export const TRY = {
};
